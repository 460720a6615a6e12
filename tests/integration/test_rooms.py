"""What a worker's main process does in rooms, on a real LiveKit server: it must be right about who is there and who came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
import pytest_asyncio
from livekit import api, rtc
from livekit.protocol import agent as agent_pb
from livekit.protocol import models as models_pb
from worker.recovery.rooms import LIVEKIT_AWAY, Caller, Present, Rooms
from worker.testing.text_call import make_settings

from local.caller import Access, new_access
from local.supervisor.mesh import Mesh

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENT_SECONDS = 20.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """LiveKit's server and nothing else."""
    async with Mesh(tmp_path_factory.mktemp("run"), services=(), without=("speech", "redis")) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="module")
async def rooms(mesh: Mesh) -> AsyncIterator[Rooms]:
    made = Rooms.connect(
        make_settings(
            livekit_url=mesh.livekit_url,
            livekit_api_key=mesh.livekit_api_key,
            livekit_api_secret=mesh.livekit_api_secret,
        )
    )
    yield made
    await made.aclose()


def access_to(mesh: Mesh, *, channel: str = "web", service: str = "triage") -> Access:
    key, secret = mesh.livekit_api_key, mesh.livekit_api_secret
    return new_access(mesh.livekit_url, api_key=key, api_secret=secret, channel=channel, service=service)


@asynccontextmanager
async def caller_in(access: Access) -> AsyncIterator[rtc.Room]:
    room = rtc.Room()
    await room.connect(access.url, access.token)
    try:
        yield room
    finally:
        await room.disconnect()


@asynccontextmanager
async def agent_in(mesh: Mesh, room_name: str, identity: str) -> AsyncIterator[rtc.Room]:
    grants = api.VideoGrants(room_join=True, room=room_name, agent=True)
    token = api.AccessToken(mesh.livekit_api_key, mesh.livekit_api_secret).with_identity(identity).with_kind("agent")
    room = rtc.Room()
    await room.connect(mesh.livekit_url, token.with_grants(grants).to_jwt())
    try:
        yield room
    finally:
        await room.disconnect()


@dataclass
class StandInWorker:
    """A worker that speaks LiveKit's protocol and starts nothing: it takes every job, or refuses every one."""

    takes_jobs: bool
    asked: list[agent_pb.Job] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def worker_of(mesh: Mesh, service: str, *, takes_jobs: bool = True) -> AsyncIterator[StandInWorker]:
    made = StandInWorker(takes_jobs)
    token = api.AccessToken(mesh.livekit_api_key, mesh.livekit_api_secret).with_grants(api.VideoGrants(agent=True))
    url = mesh.livekit_url.replace("ws", "http", 1) + "/agent"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token.to_jwt()}"}) as session,
        session.ws_connect(url) as line,
    ):
        permissions = models_pb.ParticipantPermission(can_publish=True, can_subscribe=True, agent=True)
        register = agent_pb.RegisterWorkerRequest(
            type=agent_pb.JobType.JT_ROOM, agent_name=service, version="1", allowed_permissions=permissions
        )
        await line.send_bytes(agent_pb.WorkerMessage(register=register).SerializeToString())
        assert agent_pb.ServerMessage.FromString(await line.receive_bytes()).HasField("register")
        serving = asyncio.create_task(_serve(line, made))
        try:
            yield made
        finally:
            serving.cancel()


async def _serve(line: aiohttp.ClientWebSocketResponse, made: StandInWorker) -> None:
    while True:
        message = agent_pb.ServerMessage.FromString(await line.receive_bytes())
        if not message.HasField("availability"):
            continue
        job = message.availability.job
        answer = agent_pb.AvailabilityResponse(
            job_id=job.id, available=made.takes_jobs, participant_identity=job.attributes.get("agent_id", "")
        )
        await line.send_bytes(agent_pb.WorkerMessage(availability=answer).SerializeToString())
        made.asked.append(job)
        made.was_asked.set()


async def is_answered(rooms: Rooms, room: str, dispatch_id: str) -> bool:
    """As soon as it is; LiveKit notes a job a moment after a worker has it."""
    async with asyncio.timeout(PATIENT_SECONDS):
        while not await rooms.is_answered(room, dispatch_id):
            await asyncio.sleep(0.02)
    return True


# --- who is there -----------------------------------------------------------------------------------------------------
async def test_in_a_room_that_is_none_there_is_nobody(rooms: Rooms) -> None:
    assert await rooms.present("call-none") == Present()


@pytest.mark.parametrize(("channel", "is_on_the_phone"), [("web", False), ("phone", True)])
async def test_callers_and_agents_are_told_apart(mesh: Mesh, rooms: Rooms, channel: str, is_on_the_phone: bool) -> None:
    access = access_to(mesh, channel=channel)
    async with caller_in(access), agent_in(mesh, access.call_id, "triage-1"):
        present = await rooms.present(access.call_id)
        assert present == Present((Caller(access.identity, is_on_the_phone),), ("triage-1",))


async def test_rooms_with_somebody_in_them_are_calls_by_their_name(mesh: Mesh, rooms: Rooms) -> None:
    access = access_to(mesh)
    async with caller_in(access), agent_in(mesh, "meeting", "somebody"):
        async with asyncio.timeout(PATIENT_SECONDS):  # LiveKit counts the people in its list now and then
            while access.call_id not in (found := await rooms.calls()):
                await asyncio.sleep(0.05)
        assert "meeting" not in found
        assert await rooms.service_called(access.call_id) == "triage"


# --- putting out and closing ------------------------------------------------------------------------------------------
async def test_who_is_put_out_is_gone_and_the_others_stay(mesh: Mesh, rooms: Rooms) -> None:
    access = access_to(mesh)
    async with caller_in(access), agent_in(mesh, access.call_id, "billing-1") as agent:
        put_out = asyncio.Event()
        agent.on("disconnected", lambda *_: put_out.set())
        await rooms.evict(access.call_id, "billing-1")
        assert await rooms.present(access.call_id) == Present((Caller(access.identity, False),))
        async with asyncio.timeout(PATIENT_SECONDS):
            await put_out.wait()


async def test_who_is_gone_already_can_be_put_out_and_a_closed_room_closed_again(mesh: Mesh, rooms: Rooms) -> None:
    access = access_to(mesh)
    async with caller_in(access):
        await rooms.evict(access.call_id, "nobody")
        await rooms.close(access.call_id)
        assert await rooms.present(access.call_id) == Present()
        await rooms.close(access.call_id)
        await rooms.evict(access.call_id, "nobody")


# --- calling somebody in ----------------------------------------------------------------------------------------------
async def test_a_dispatch_that_a_worker_took_is_answered_and_carries_what_the_successor_is_told(
    mesh: Mesh, rooms: Rooms
) -> None:
    access, told = access_to(mesh), {"resume": "2", "agent_id": "billing-r2-0a1b2c"}
    async with caller_in(access), worker_of(mesh, "billing") as billing:
        dispatch_id = await rooms.call_in(access.call_id, "billing", told)
        assert await is_answered(rooms, access.call_id, dispatch_id)
    assert [dict(job.attributes) for job in billing.asked] == [told]


async def test_a_dispatch_for_which_there_is_no_worker_is_not_answered(mesh: Mesh, rooms: Rooms) -> None:
    access = access_to(mesh)
    async with caller_in(access), worker_of(mesh, "billing"):
        lost = await rooms.call_in(access.call_id, "sales", {})
        answered = await rooms.call_in(access.call_id, "billing", {})
        assert await is_answered(rooms, access.call_id, answered)  # the earlier one had its time too
        assert not await rooms.is_answered(access.call_id, lost)


async def test_a_dispatch_that_every_worker_refused_is_not_answered(mesh: Mesh, rooms: Rooms) -> None:
    access = access_to(mesh)
    async with (
        caller_in(access),
        worker_of(mesh, "billing", takes_jobs=False) as full,
        worker_of(mesh, "sales"),
    ):
        refused = await rooms.call_in(access.call_id, "billing", {})
        async with asyncio.timeout(PATIENT_SECONDS):
            await full.was_asked.wait()
        later = await rooms.call_in(access.call_id, "sales", {})
        assert await is_answered(rooms, access.call_id, later)
        assert not await rooms.is_answered(access.call_id, refused)


# --- a word to a job --------------------------------------------------------------------------------------------------
async def test_a_word_reaches_its_agent_alone_and_comes_from_nobody_in_the_room(mesh: Mesh, rooms: Rooms) -> None:
    access = access_to(mesh)
    heard: dict[str, list[rtc.DataPacket]] = {"billing-1": [], "billing-2": [], "caller": []}
    async with (
        caller_in(access) as caller,
        agent_in(mesh, access.call_id, "billing-1") as one,
        agent_in(mesh, access.call_id, "billing-2") as other,
    ):
        for name, room in {"billing-1": one, "billing-2": other, "caller": caller}.items():
            room.on("data_received", heard[name].append)
        await rooms.tell(access.call_id, "billing-1", topic="voicemesh.move")
        async with asyncio.timeout(PATIENT_SECONDS):
            while not heard["billing-1"]:
                await asyncio.sleep(0.02)
    (packet,) = heard["billing-1"]
    assert (packet.topic, packet.participant) == ("voicemesh.move", None)
    assert heard["billing-2"] == heard["caller"] == []


# --- away -------------------------------------------------------------------------------------------------------------
async def test_a_livekit_that_is_not_there_is_told_by_its_own_errors() -> None:
    nowhere = Rooms.connect(make_settings(livekit_url="ws://127.0.0.1:9"))
    try:
        with pytest.raises(LIVEKIT_AWAY):
            await nowhere.present("call-1")
    finally:
        await nowhere.aclose()
