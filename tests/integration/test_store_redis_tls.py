"""TLS to a real server, with certificates of an authority that was made for the test: whom a store trusts, and who it is itself.

A server that was built without TLS (as the one in a wheel is) has a real TLS end put in front of it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore
from store_steps import taken

from tests.integration.conftest import PATIENCE, _free_port, _redis_server
from tests.integration.mortal_redis import _carried
from tests.integration.redis_farm import Node, settled

HOST = "127.0.0.1"
Key = ec.EllipticCurvePrivateKey


class Authority:
    """Signs certificates; its own, and theirs, lie in ``folder``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.path = self._written(f"{name}.crt", self._signed(name, self._key, is_authority=True))

    def issue(self, name: str, *, host: str = HOST) -> tuple[Path, Path]:
        """Paths of a certificate for that host, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        plain = serialization.NoEncryption()
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        (self._folder / f"{name}.key").write_bytes(text)
        return self._written(f"{name}.crt", self._signed(name, key, host=host)), self._folder / f"{name}.key"

    def _signed(self, name: str, key: Key, *, host: str = HOST, is_authority: bool = False) -> x509.Certificate:
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, self._name)]
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(names[0])
            .issuer_name(names[1])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        )
        return made.sign(self._key, hashes.SHA256())

    def _written(self, name: str, certificate: x509.Certificate) -> Path:
        path = self._folder / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path


@dataclass
class Guarded:
    """A Redis behind TLS that lets nobody in without a certificate of ``authority``."""

    port: int
    authority: Authority

    def url(self, *, scheme: str = "rediss", **files: Path | str) -> str:
        query = "&".join(f"{name}={value}" for name, value in files.items())
        return f"{scheme}://{HOST}:{self.port}?{query}"


def _has_tls() -> bool:
    told = subprocess.run(
        [_redis_server(), "--port", "0", "--tls-port", "1"], capture_output=True, text=True, timeout=20
    )
    return "Failed to configure TLS" in told.stdout


@pytest.fixture(params=["one", "cluster"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Guarded]:
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("server")
    port = _free_port()
    clustered = ["--cluster-enabled", "yes", "--cluster-port", str(_free_port())] if request.param == "cluster" else []
    tls = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    tls += ["--tls-ca-cert-file", str(authority.path)]
    tls += ["--tls-cluster", "yes"] if clustered else []  # or it tells of the port without TLS
    has_tls = await asyncio.to_thread(_has_tls)
    if clustered and not has_tls:
        pytest.skip("a Cluster that has no TLS of its own tells nobody of a port that has")
    node = Node(tmp_path / "node", *clustered, *(tls if has_tls else ()))
    node.start()
    if clustered:
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        settled(lambda: "'cluster_state': 'ok'" in str(node.ask("CLUSTER INFO")))
    if has_tls:
        yield Guarded(port, authority)
    else:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.path))
        context.load_cert_chain(certificate, key)
        context.verify_mode = ssl.CERT_REQUIRED

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection(HOST, node.port)
            await asyncio.gather(_carried(reader, far_writer), _carried(far_reader, writer))

        async with await asyncio.start_server(connected, HOST, port, ssl=context):
            yield Guarded(port, authority)
    node.kill()


async def test_a_store_with_the_authority_and_a_certificate_is_served(
    guarded: Guarded, request: pytest.FixtureRequest
) -> None:
    certificate, key = guarded.authority.issue("billing")
    scheme = "rediss+cluster" if "cluster" in request.node.name else "rediss"
    files = {"ssl_ca_certs": guarded.authority.path, "ssl_certfile": certificate, "ssl_keyfile": key}
    store = RedisStore.connect(guarded.url(scheme=scheme, **files), **PATIENCE)
    assert (await taken(store)).epoch == 2
    await store.aclose()


@pytest.mark.parametrize("guarded", ["one"], indirect=True)
async def test_who_has_no_certificate_is_not_served(guarded: Guarded) -> None:
    store = RedisStore.connect(guarded.url(ssl_ca_certs=guarded.authority.path), **PATIENCE)
    with pytest.raises(StoreUnavailable):
        await store.now()
    await store.aclose()


@pytest.mark.parametrize("guarded", ["one"], indirect=True)
async def test_a_server_of_an_authority_that_we_do_not_know_is_not_asked(guarded: Guarded, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "other")
    store = RedisStore.connect(guarded.url(ssl_ca_certs=other.path), **PATIENCE)
    with pytest.raises(StoreUnavailable, match="its certificate: "):
        await store.now()
    await store.aclose()


@pytest.mark.parametrize("guarded", ["one"], indirect=True)
async def test_a_server_whose_certificate_names_another_host_is_not_asked(guarded: Guarded) -> None:
    certificate, key = guarded.authority.issue("billing")
    files = {"ssl_ca_certs": guarded.authority.path, "ssl_certfile": certificate, "ssl_keyfile": key}
    url = guarded.url(**files).replace(HOST, "localhost")
    store = RedisStore.connect(url, **PATIENCE)
    with pytest.raises(StoreUnavailable, match=r"its certificate: .*localhost"):
        await store.now()
    await store.aclose()
    store = RedisStore.connect(url + "&ssl_check_hostname=no", **PATIENCE)
    assert await store.now() > 0
    await store.aclose()


async def test_a_file_that_is_not_there_is_told() -> None:
    store = RedisStore.connect(f"rediss://{HOST}:{_free_port()}?ssl_ca_certs=/no/such/file")
    with pytest.raises(StoreUnavailable, match="a file of its TLS settings is not there"):
        await store.now()
    await store.aclose()
