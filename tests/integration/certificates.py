"""Certificates as cert-manager would issue them, made on the spot: an authority, and a service's folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Authority:
    """One that signs for whoever asks."""

    def __init__(self, name: str = "the mesh's own") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, self._name, self._key).add_extension(x509.BasicConstraints(True, None), True)
        self.pem = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issue(self, *names: str, days: float = 1) -> dict[str, bytes]:
        """The files of a service of these names, good for so many days from now; with none or less they have run out."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        also = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        ends = timedelta(days=days)
        builder = _builder(subject, self._name, key, ends=ends).add_extension(also, False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return {
            "tls.crt": certificate.public_bytes(Encoding.PEM),
            "tls.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "ca.crt": self.pem,
        }


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, ends: timedelta = 90 * _DAY
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    begins = now + min(ends, timedelta()) - _DAY
    return x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), begins, now + ends)


def mount(folder: Path, files: dict[str, bytes]) -> Path:
    """Lays the files there as Kubernetes mounts a secret, and renews it: links to a folder that is exchanged in one step."""
    folder.mkdir(exist_ok=True)
    of_now = folder / f"..{len(list(folder.iterdir()))}"
    of_now.mkdir()
    for name, held in files.items():
        (of_now / name).write_bytes(held)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    (folder / "..data_tmp").symlink_to(of_now.name)
    os.replace(folder / "..data_tmp", folder / "..data")
    return folder
