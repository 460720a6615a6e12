"""A caller's token on a real LiveKit: it opens one room for a short time, and nothing else, whatever is done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio
from livekit import rtc

from gateway.doors import Door, open_door
from gateway.settings import Settings
from local.supervisor.mesh import Mesh

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = (401, 403)
LONG_AGO_SECONDS = -120
"""LiveKit's clock may be a minute apart."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """LiveKit's server and nothing else."""
    run_dir = tmp_path_factory.mktemp("run")
    async with Mesh(run_dir, services=(), without=("speech", "redis")) as mesh:
        yield mesh


@pytest.fixture
def settings(mesh: Mesh) -> Settings:
    """A gateway's, in front of that LiveKit."""
    return Settings.from_env(
        {
            "LIVEKIT_URL": mesh.livekit_url,
            "LIVEKIT_API_KEY": mesh.livekit_api_key,
            "LIVEKIT_API_SECRET": mesh.livekit_api_secret,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "VOICEMESH_GATEWAY_SECRET": "gateway-gateway-gateway-gateway-gateway",
        }
    )


@asynccontextmanager
async def inside(door: Door) -> AsyncIterator[rtc.Room]:
    """Somebody who went through it."""
    room = rtc.Room()
    await room.connect(door.url, door.token)
    try:
        yield room
    finally:
        await room.disconnect()


async def test_two_callers_are_in_two_rooms_and_neither_sees_the_other(settings: Settings) -> None:
    mine, theirs = open_door(settings), open_door(settings)
    async with inside(mine) as here, inside(theirs) as there:
        assert (here.name, there.name) == (mine.call_id, theirs.call_id)
        assert [*here.remote_participants, *there.remote_participants] == []


async def test_a_token_whose_time_is_over_opens_nothing(settings: Settings) -> None:
    late = open_door(replace(settings, token_seconds=LONG_AGO_SECONDS))
    with pytest.raises(rtc.ConnectError):
        async with inside(late):
            pass


async def test_a_caller_administers_no_room_not_even_his_own_and_nobody_else_notices(settings: Settings) -> None:
    mine, theirs = open_door(settings), open_door(settings)
    url = f"{settings.livekit_url.replace('ws', 'http', 1)}/twirp/livekit.RoomService"
    answers: dict[str, int] = {}
    async with inside(mine), inside(theirs) as there, aiohttp.ClientSession() as session:
        for door in (mine, theirs):
            room = {"room": door.call_id}
            asked = {
                "ListRooms": {},
                "ListParticipants": room,
                "SendData": room,
                "RemoveParticipant": room | {"identity": door.identity},
                "DeleteRoom": room,
            }
            for what, body in asked.items():
                headers = {"authorization": f"Bearer {mine.token}"}
                async with session.post(f"{url}/{what}", json=body, headers=headers) as answer:
                    answers[f"{what} of {'his own' if door is mine else 'another'}"] = answer.status
        assert {what: status for what, status in answers.items() if status not in REFUSED} == {}
        assert there.connection_state == rtc.ConnectionState.CONN_CONNECTED
