"""Who a service is to another one: a folder with its certificate, its key, and the authority that both sides trust.

The files are those of a Kubernetes secret as cert-manager writes it, and renews it: whoever opens a connection, or answers one, does
so with the pair that lies there by then. What is half written, or not a pair, is passed over until it is whole.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

log = logging.getLogger("handoff.tls")

CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"
FILES = (CERTIFICATE, KEY, AUTHORITY)

_Stamp = tuple[tuple[int, int, int], ...]


class UnusableCertificates(Exception):
    """Which file of the folder cannot be used, and why. Never quotes what is in it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What the three files held when they were read; PEM."""

    certificate: bytes
    key: bytes
    authority: bytes
    ends_at: float = 0.0
    """When the certificate is good no longer, in Unix seconds."""

    def for_clients(self) -> grpc.ChannelCredentials:
        """For whoever opens a connection: he shows the certificate, and checks the other side's."""
        return grpc.ssl_channel_credentials(self.authority, self.key, self.certificate)

    def for_servers(self) -> grpc.ServerCertificateConfiguration:
        """For whoever answers one."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authority)


class Certificates:
    """Of one folder. May be asked from any thread."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._last: tuple[_Stamp, Pair] | None = None
        """Written as one, for gRPC asks from threads of its own."""

    @classmethod
    def of(cls, folder: str) -> Certificates | None:
        """None without a folder: then nobody proves who he is, and nothing is encrypted."""
        return cls(folder) if folder else None

    def pair(self) -> Pair:
        """As the files are now, or as they were when they were last a pair. Raises UnusableCertificates when they never were."""
        last = self._last
        try:
            stamp = tuple(_stamp(self._folder / name) for name in FILES)
            if last is not None and last[0] == stamp:
                return last[1]
            pair = _read(self._folder)
        except UnusableCertificates as e:
            if last is None:
                raise
            log.warning("the certificates are not taken up: %s", e)
            return last[1]
        # The stamp is older than what was read: what changed in between is seen at the next look.
        self._last = stamp, pair
        if last is not None:
            log.info("new certificates are in use")
        return pair

    def for_servers(self) -> grpc.ServerCredentials:
        """For a server that lets nobody in without a certificate of this authority. Raises UnusableCertificates.

        gRPC asks anew for each connection, and keeps to the last pair when it is given one that it cannot use.
        """
        return grpc.dynamic_ssl_server_credentials(
            self.pair().for_servers(), lambda: self.pair().for_servers(), require_client_authentication=True
        )


def _stamp(path: Path) -> tuple[int, int, int]:
    """Another one once the file was written, or a link on the way leads to another file (as Kubernetes renews a secret)."""
    try:
        found = path.stat()
    except OSError as e:
        raise UnusableCertificates(f"{path.name} cannot be read ({e.strerror})") from None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(folder: Path) -> Pair:
    read: dict[str, bytes] = {}
    for name in FILES:
        try:
            read[name] = (folder / name).read_bytes()
        except OSError as e:
            raise UnusableCertificates(f"{name} cannot be read ({e.strerror})") from None
    name = CERTIFICATE
    try:
        certificate = x509.load_pem_x509_certificate(read[name])
        certified = certificate.public_key()
        name = KEY
        key = load_pem_private_key(read[name], password=None).public_key()
        name = AUTHORITY
        x509.load_pem_x509_certificates(read[name])
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableCertificates(f"{name} is not the PEM that its name promises") from None
    if certified != key:
        raise UnusableCertificates(f"{KEY} is not the key of {CERTIFICATE}")
    return Pair(read[CERTIFICATE], read[KEY], read[AUTHORITY], certificate.not_valid_after_utc.timestamp())
