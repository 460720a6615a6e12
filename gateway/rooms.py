"""What a gateway asks of LiveKit's rooms, by its server API: who is there, call an agent in, put somebody out, close up.

All of it raises one of LIVEKIT_AWAY when LiveKit does not answer or refuses; what is gone already is no fault.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import aiohttp
import livekit.api as api

from gateway.doors import CALLER_KINDS
from gateway.settings import Settings

LIVEKIT_AWAY = (api.TwirpError, aiohttp.ClientError, OSError)
"""Refused, or not answered: LiveKit's client raises what its transport raised, TimeoutError (an OSError) among it."""
_ANSWER_SECONDS = 2.0


class Rooms(Protocol):
    """LiveKit's rooms as a gateway needs them."""

    async def has_callers(self, room: str) -> bool:
        """Whether a caller is in the room."""
        ...

    async def stay(self, room: str, identity: str) -> str:
        """Names this participant's stay in the room: another one when he has left it and come again; empty when he is not there."""
        ...

    async def has_microphone(self, room: str, identity: str) -> bool:
        """Whether this participant is in the room with a microphone, muted or not."""
        ...

    async def call_in(self, room: str, service: str, handoff_id: str, epoch: int) -> None:
        """Asks LiveKit for an agent of the service that comes for this handoff."""
        ...

    async def put_out(self, room: str, identity: str) -> None:
        """Removes somebody."""
        ...

    async def close(self, room: str) -> None:
        """Everybody out: the caller hears that the line is closed."""
        ...


class LiveKitRooms:
    """See Rooms. A connection for each question: they are few, and nothing is to be closed when the gateway stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def has_callers(self, room: str) -> bool:
        """See Rooms.has_callers."""
        return any(one.kind in CALLER_KINDS for one in await self._here(room))

    async def stay(self, room: str, identity: str) -> str:
        """See Rooms.stay."""
        return next((one.sid for one in await self._here(room) if one.identity == identity), "")

    async def has_microphone(self, room: str, identity: str) -> bool:
        """See Rooms.has_microphone."""
        return any(
            track.type == api.TrackType.AUDIO and track.source == api.TrackSource.MICROPHONE
            for one in await self._here(room)
            if one.identity == identity
            for track in one.tracks
        )

    async def call_in(self, room: str, service: str, handoff_id: str, epoch: int) -> None:
        """See Rooms.call_in."""
        request = api.CreateAgentDispatchRequest(
            agent_name=service,
            room=room,
            restart_policy=api.JobRestartPolicy.JRP_NEVER,
            attributes={"handoff_id": handoff_id, "epoch": str(epoch)},
        )
        async with self._asked() as livekit:
            await livekit.agent_dispatch.create_dispatch(request)

    async def put_out(self, room: str, identity: str) -> None:
        """See Rooms.put_out."""
        with _gone_is_fine():
            async with self._asked() as livekit:
                await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))

    async def close(self, room: str) -> None:
        """See Rooms.close."""
        with _gone_is_fine():
            async with self._asked() as livekit:
                await livekit.room.delete_room(api.DeleteRoomRequest(room=room))

    async def _here(self, room: str) -> list[api.ParticipantInfo]:
        with _gone_is_fine():
            async with self._asked() as livekit:
                answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
                return [one for one in answer.participants if one.state != api.ParticipantInfo.DISCONNECTED]
        return []

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[api.LiveKitAPI]:
        settings, timeout = self._settings, aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        async with api.LiveKitAPI(settings.livekit_url, key, secret, timeout=timeout, failover=False) as livekit:
            yield livekit


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except api.TwirpError as e:
        if e.code != api.TwirpErrorCode.NOT_FOUND:
            raise
