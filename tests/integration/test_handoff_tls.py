"""Giver and taker over real gRPC with mutual TLS: who is let in, who is believed, and what a renewed certificate changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from handoff.errors import PeerUnreachable
from handoff.giver import Giver
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.outcome import Accepted, Expired
from handoff.resolver import Resolver
from handoff.taker import Taker, serve
from handoff.testing import FakeClock, make_context
from handoff.tls import Certificates, Pair, UnusableCertificates
from worker.main_process import doors
from worker.main_process.admission import Admission
from worker.main_process.health import Readiness
from worker.main_process.observe import Metrics
from worker.testing.text_call import make_settings

from tests.integration.billing_service import PATIENT_SECONDS, Places
from tests.integration.certificates import Authority, mount

HOST = "127.0.0.1"


class Mesh:
    """One authority, folders of services, and what of them serves or asks."""

    def __init__(self, folder: Path, closing: AsyncExitStack) -> None:
        self.authority = Authority()
        self.store = MemoryStore(now=FakeClock())
        self.places: dict[int, Places] = {}
        self._folder = folder
        self._closing = closing

    def folder(self, service: str, *names: str, of: Authority | None = None) -> Path:
        """The service's own, with a certificate of these names (its own, when none is given), new."""
        return mount(self._folder / service, (of or self.authority).issue(*(names or (service,))))

    async def serves(self, folder: Path | None, *, host: str = HOST, port: int = 0) -> int:
        """A worker of billing with the certificates of a folder; its port."""
        certificates = Certificates(folder) if folder else None
        places = Places(capacity=8)
        taker = Taker("billing", "1.2.3", store=self.store, admission=places)
        listener = await serve(taker, host=host, port=port, certificates=certificates)
        self._closing.push_async_callback(listener.stop)
        self.places[listener.port] = places
        return listener.port

    def giver(self, folder: Path | None, *peers: str, resolver: Resolver | None = None) -> Giver:
        giver = Giver(
            {"billing": peers},
            offer_timeout_seconds=PATIENT_SECONDS,
            certificates=Certificates(folder) if folder else None,
            resolver=resolver,
        )
        self._closing.push_async_callback(giver.aclose)
        return giver


@asynccontextmanager
async def mesh_in(folder: Path) -> AsyncIterator[Mesh]:
    async with AsyncExitStack() as closing:
        yield Mesh(folder, closing)


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    async with mesh_in(tmp_path) as made:
        yield made


async def is_heard(giver: Giver, handoff_id: str = "h1") -> bool:
    """Whether an offer is accepted; the only other answer is that nobody is there."""
    outcome = await giver.offer(make_context(handoff_id), "billing")
    if isinstance(outcome, Accepted):
        return True
    assert isinstance(outcome, Expired)
    with pytest.raises(PeerUnreachable):
        await giver.pool("billing")
    with pytest.raises(PeerUnreachable):
        await anext(aiter(giver.watch(handoff_id, "billing")))
    return False


async def test_two_of_one_authority_talk(mesh: Mesh) -> None:
    port = await mesh.serves(mesh.folder("billing"))
    giver = mesh.giver(mesh.folder("triage"), f"{HOST}:{port}")
    assert await is_heard(giver)
    watch = aiter(giver.watch("h1", "billing"))
    assert (await anext(watch)).state is State.ACCEPTED
    await giver.withdraw("h1", "billing", "caller_left")
    assert (await anext(watch)).state is State.WITHDRAWN


async def test_who_shows_no_certificate_is_refused(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    port = await mesh.serves(mesh.folder("billing"))
    monkeypatch.setattr(Pair, "for_clients", lambda pair: grpc.ssl_channel_credentials(pair.authority))
    assert not await is_heard(mesh.giver(mesh.folder("triage"), f"{HOST}:{port}"))


async def test_who_shows_a_certificate_of_another_authority_is_refused(mesh: Mesh) -> None:
    port = await mesh.serves(mesh.folder("billing"))
    stranger = mesh.folder("stranger", of=Authority("another"))
    (stranger / "..data" / "ca.crt").write_bytes(mesh.authority.pem)  # he believes us; we do not believe him
    assert not await is_heard(mesh.giver(stranger, f"{HOST}:{port}"))


async def test_a_worker_with_a_certificate_of_another_authority_is_not_believed(mesh: Mesh) -> None:
    impostor = mesh.folder("billing", of=Authority("another"))
    (impostor / "..data" / "ca.crt").write_bytes(mesh.authority.pem)
    port = await mesh.serves(impostor)
    assert not await is_heard(mesh.giver(mesh.folder("triage"), f"{HOST}:{port}"))


async def test_a_worker_that_is_another_service_is_not_believed(mesh: Mesh) -> None:
    port = await mesh.serves(mesh.folder("sales"))
    assert not await is_heard(mesh.giver(mesh.folder("triage"), f"{HOST}:{port}"))
    assert mesh.places[port].kept == []


async def test_plain_and_encrypted_do_not_meet(mesh: Mesh) -> None:
    encrypted, plain = await mesh.serves(mesh.folder("billing")), await mesh.serves(None)
    assert not await is_heard(mesh.giver(None, f"{HOST}:{encrypted}"))
    assert not await is_heard(mesh.giver(mesh.folder("triage"), f"{HOST}:{plain}"))


# --- names ------------------------------------------------------------------------------------------------------------
@pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
@pytest.mark.parametrize(("names", "is_believed"), [(("billing-b",), True), (("billing-a",), False)])
async def test_a_worker_is_believed_by_the_name_behind_which_it_was_found(
    mesh: Mesh, names: tuple[str, ...], is_believed: bool
) -> None:
    behind = {"billing-a": ["127.0.0.1"], "billing-b": ["127.0.0.2"]}

    async def lookup(host: str, port: int) -> list[str]:
        return behind[host]

    port = await mesh.serves(mesh.folder("billing", "billing-a"))
    await mesh.serves(mesh.folder("billing-2", *names), host="127.0.0.2", port=port)
    giver = mesh.giver(
        mesh.folder("triage"), f"billing-a:{port}", f"billing-b:{port}", resolver=Resolver(lookup=lookup)
    )
    assert await is_heard(giver)
    assert len(await giver.pools("billing")) == 1 + is_believed


# --- renewal ----------------------------------------------------------------------------------------------------------
async def test_a_renewed_authority_is_taken_up_by_both_ends_without_a_restart(mesh: Mesh) -> None:
    billing, triage = mesh.folder("billing"), mesh.folder("triage")
    port = await mesh.serves(billing)
    giver = mesh.giver(triage, f"{HOST}:{port}")
    assert await is_heard(giver)
    mesh.authority = Authority("the next one")
    mesh.folder("billing")
    mesh.folder("triage")
    assert await is_heard(giver, "h2"), "by a connection of its own: the old one's certificates are worth nothing now"
    assert await is_heard(mesh.giver(triage, f"{HOST}:{port}"), "h3")
    assert not await is_heard(mesh.giver(mesh.folder("late", of=Authority()), f"{HOST}:{port}"), "h4")


async def test_what_goes_on_while_certificates_are_renewed_goes_on(mesh: Mesh) -> None:
    port = await mesh.serves(mesh.folder("billing"))
    giver = mesh.giver(mesh.folder("triage"), f"{HOST}:{port}")
    assert await is_heard(giver)
    watch = aiter(giver.watch("h1", "billing"))
    assert (await anext(watch)).state is State.ACCEPTED
    mesh.folder("triage")
    assert await is_heard(giver, "h2")
    await mesh.store.move("h1", State.READY, taker_id="billing-h1")
    async with asyncio.timeout(PATIENT_SECONDS):
        assert (await anext(watch)).state is State.READY


async def test_a_worker_that_comes_back_is_met_with_the_new_certificates(mesh: Mesh) -> None:
    folder = mesh.folder("billing")
    taker = Taker("billing", "1.2.3", store=mesh.store, admission=Places(capacity=8))
    listener = await serve(taker, host=HOST, port=0, certificates=Certificates(folder))
    giver = mesh.giver(mesh.folder("triage"), f"{HOST}:{listener.port}")
    assert await is_heard(giver)
    await listener.stop()
    mesh.authority = Authority("the next one")
    mesh.folder("triage")
    await mesh.serves(mesh.folder("billing"), port=listener.port)
    assert await is_heard(giver, "h2")


async def test_half_a_renewal_changes_nothing_until_it_is_whole(mesh: Mesh) -> None:
    billing = mesh.folder("billing")
    port = await mesh.serves(billing)
    new = mesh.authority.issue("billing", "of the new one")
    (billing / "..data" / "tls.crt").write_bytes(new["tls.crt"])
    assert await is_heard(mesh.giver(mesh.folder("triage"), f"{HOST}:{port}"), "h1")
    (billing / "..data" / "tls.key").write_bytes(new["tls.key"])
    assert await is_heard(mesh.giver(mesh.folder("triage"), f"{HOST}:{port}"), "h2")
    assert Certificates(billing).pair().key == new["tls.key"]


async def test_a_giver_whose_certificates_are_gone_goes_on_with_the_last_ones(mesh: Mesh) -> None:
    port = await mesh.serves(mesh.folder("billing"))
    triage = mesh.folder("triage")
    giver = mesh.giver(triage, f"{HOST}:{port}")
    assert await is_heard(giver)
    (triage / "tls.key").unlink()
    assert await is_heard(giver, "h2")
    assert not await is_heard(mesh.giver(triage, f"{HOST}:{port}"), "h3"), "one that never had any reaches nobody"


# --- what is wrong with a folder --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("tls.crt", b"", "tls.crt is not the PEM"),
        ("tls.key", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", "tls.key is not the PEM"),
        ("tls.key", Authority().issue("billing")["tls.key"], "tls.key is not the key of tls.crt"),
        ("ca.crt", b"?", "ca.crt is not the PEM"),
    ],
    ids=["empty", "no key", "another key", "no authority"],
)
async def test_a_folder_that_cannot_be_used_ends_the_boot_with_the_file_that_is_wrong(
    mesh: Mesh, name: str, text: bytes, why: str
) -> None:
    folder = mesh.folder("billing")
    (folder / "..data" / name).write_bytes(text)
    with pytest.raises(UnusableCertificates, match=why):
        Certificates(folder).pair()
    admission = Admission(1, running=lambda: 0, hold_seconds=1)
    async with AsyncExitStack() as closing:
        with pytest.raises(doors.BootFailed, match=f"VOICEMESH_TLS_DIR: {why}"):
            await doors.open_all(
                closing,
                make_settings(bind_host=HOST, health_port=0, metrics_port=0, grpc_port=0),
                metrics=Metrics("billing", active=lambda: 0, capacity=lambda: 1),
                readiness=Readiness(admission),
                taker=Taker("billing", "1.2.3", store=mesh.store, admission=Places()),
                certificates=Certificates.of(str(folder)),
            )
