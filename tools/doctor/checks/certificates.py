"""Certificates: the services' own, by which they prove to one another who they are, and those of LiveKit and Redis."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from handoff.redis_address import Kind, RedisAddress
from handoff.tls import AUTHORITY, CERTIFICATE, Certificates, UnusableCertificates

from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Target

WARN_DAYS = 14
_CONNECT_SECONDS = 4.0


async def services(target: Target) -> Answer:
    """With an expired certificate, or one of another name, no service hands a call to any other, and all at the same moment."""
    folders = {name: target.variables[name].get("VOICEMESH_TLS_DIR", "") for name in target.workers}
    folders = {name: folder for name, folder in folders.items() if folder}
    if not folders:
        raise Skipped("no VOICEMESH_TLS_DIR: services do not prove who they are (docs/operations/install.md, mTLS)")
    troubles = [trouble for name, folder in folders.items() for trouble in _of_folder(target, name, Path(folder))]
    without = sorted(set(target.workers) - set(folders))
    if without:
        troubles.append(
            Trouble(f"{', '.join(without)} have none, and understand nobody who has one", f"VOICEMESH_TLS_DIR, in {target.home}", "give every service a folder in VOICEMESH_TLS_DIR, or none")
        )  # fmt: skip
    return f"{len(folders)} services have one of their name that is good for {WARN_DAYS} days", troubles


def _of_folder(target: Target, service: str, folder: Path) -> list[Trouble]:
    where = f"{folder / CERTIFICATE} (VOICEMESH_TLS_DIR of {service})"
    try:
        Certificates(folder).pair()
    except UnusableCertificates as error:
        return [
            Trouble(
                str(error), str(folder), "issue it again: all three files, from one issuer (kubectl get certificate)"
            )
        ]
    pem = (folder / CERTIFICATE).read_bytes()
    found = of_certificate(pem, service, now=target.now(), where=where, renew=f"issue a new one for {service} into {folder}; it is taken up without a restart")  # fmt: skip
    authorities = x509.load_pem_x509_certificates((folder / AUTHORITY).read_bytes())
    if not any(_signed(x509.load_pem_x509_certificate(pem), authority) for authority in authorities):
        found.append(
            Trouble(f"{CERTIFICATE} is not signed by {AUTHORITY}: the others refuse it", where, f"issue {CERTIFICATE} by the authority of {AUTHORITY}, the same for all services")
        )  # fmt: skip
    return found


def of_certificate(pem: bytes, service: str, *, now: float, where: str, renew: str) -> list[Trouble]:
    """What is wrong with a service's certificate at that time. Raises ValueError when it is none."""
    certificate = x509.load_pem_x509_certificate(pem)
    troubles = _expiry(service, certificate.not_valid_before_utc, certificate.not_valid_after_utc, now, where, renew)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        dns = names.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        dns = []
    if service not in dns:
        troubles.append(
            Trouble(f"the certificate of {service} is for {', '.join(dns) or 'no name'}: nobody hands a call to it", where, f"issue it again with dnsNames: [{service}]")
        )  # fmt: skip
    return troubles


async def endpoints(target: Target) -> Answer:
    """The certificates of LiveKit and Redis run out too, and then no worker starts and no browser calls."""
    asked = _places(target)
    if not asked:
        raise Skipped("neither LiveKit nor Redis is reached by TLS")
    answers = await asyncio.gather(
        *(_of_place(target, name, host, port, authority) for name, host, port, authority in asked)
    )
    troubles = [trouble for answer in answers for trouble in answer]
    return f"{len(asked)} places, trusted and good for {WARN_DAYS} days", troubles


def _places(target: Target) -> Sequence[tuple[str, str, int, str]]:
    """Name, host, port, file of the authority."""
    found = []
    livekit = urlsplit(target.value("LIVEKIT_URL"))
    if livekit.scheme == "wss" and livekit.hostname:
        found.append(("LIVEKIT_URL", livekit.hostname, livekit.port or 443, ""))
    redis = RedisAddress.of(target.value("REDIS_URL"))
    if redis.is_tls and redis.kind is not Kind.SENTINEL and redis.options.get("ssl_cert_reqs") != "none":
        found += [("REDIS_URL", host, port, str(redis.options.get("ssl_ca_certs", ""))) for host, port in redis.hosts]
    return found


async def _of_place(target: Target, name: str, host: str, port: int, authority: str) -> list[Trouble]:
    where, renew = f"{host}:{port} ({name}, in {target.home})", f"renew the certificate at {host}:{port}"
    try:
        context = ssl.create_default_context(cafile=authority or None)
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        mend = f"{renew} for the name {host}" + (f", by the authority of {authority}" if authority else "")
        return [Trouble(f"its certificate is refused: {error.verify_message}", where, mend)]
    except (TimeoutError, OSError, ssl.SSLError):
        return []  # that nobody answers is told by livekit.reachable and redis.reachable
    try:
        told = writer.get_extra_info("peercert") or {}
    finally:
        writer.close()
    begins, ends = (datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told[key])), UTC) for key in ("notBefore", "notAfter"))  # fmt: skip
    return _expiry(name, begins, ends, target.now(), where, renew)


def _expiry(of: str, begins: datetime, ends: datetime, now: float, where: str, renew: str) -> list[Trouble]:
    left = (ends.timestamp() - now) / 86400
    if left <= 0:
        return [Trouble(f"the certificate of {of} expired on {ends:%Y-%m-%d %H:%M} UTC", where, renew)]
    if begins.timestamp() > now:
        return [Trouble(f"the certificate of {of} is not valid before {begins:%Y-%m-%d %H:%M} UTC", where, "see the check clock; else " + renew)]  # fmt: skip
    if left < WARN_DAYS:
        return [Trouble(f"the certificate of {of} expires in {left:.0f} days", where, renew, is_fatal=False)]
    return []


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
