"""What a worker's main process does in LiveKit's rooms: who is there, put one out, call one in, close up.

All of it raises one of LIVEKIT_AWAY when LiveKit does not answer or refuses; what is gone already is no fault.
"""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from handoff.agent_ids import service_of
from livekit import api
from livekit.protocol import models

from worker.settings import Settings
from worker.telephone.phone import is_on_the_phone

LIVEKIT_AWAY = (api.TwirpError, aiohttp.ClientError, OSError)
"""Refused, or not answered: LiveKit's client raises what its transport raised, TimeoutError (an OSError) among it."""
CALL_ROOMS = "call-"
"""How the names of rooms that are calls begin."""
CONSULTATIONS = "consult-"
"""How the names of rooms begin in which a human is alone with the switchboard that called him; they are no calls."""
_ANSWER_SECONDS = 2.0

_CALLERS = (models.ParticipantInfo.STANDARD, models.ParticipantInfo.SIP)


def consultation_of(human_id: str) -> str:
    """The room in which this human is on the telephone."""
    return f"{CONSULTATIONS}{human_id}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who waits in a room: his identity there, and whether he came by telephone."""

    identity: str
    is_on_the_phone: bool


@dataclass(frozen=True, slots=True)
class Present:
    """Who is in a room. ``agents`` are ours, the desk's humans among them: who may hold the floor."""

    callers: tuple[Caller, ...] = ()
    agents: tuple[str, ...] = ()


class Rooms:
    """LiveKit's rooms, by its server API. Made in a running event loop; ``aclose`` it."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit

    @classmethod
    def connect(cls, settings: Settings) -> Rooms:
        """With the worker's own key. Nothing is sent yet."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        return cls(api.LiveKitAPI(settings.livekit_url, key, secret, timeout=timeout, failover=False))

    async def present(self, room: str) -> Present:
        """Who is in the room; nobody when there is no such room."""
        try:
            answer = await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        except api.TwirpError as e:
            if e.code == api.TwirpErrorCode.NOT_FOUND:
                return Present()
            raise
        here = [p for p in answer.participants if p.state != models.ParticipantInfo.DISCONNECTED]
        return Present(
            tuple(Caller(p.identity, is_on_the_phone(p.kind, p.attributes)) for p in here if p.kind in _CALLERS),
            tuple(p.identity for p in here if p.kind == models.ParticipantInfo.AGENT),
        )

    async def evict(self, room: str, identity: str) -> None:
        """Puts somebody out: not heard any more after 50-70 ms, whatever his process still does."""
        try:
            await self._livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))
        except api.TwirpError as e:
            if e.code != api.TwirpErrorCode.NOT_FOUND:
                raise

    async def call_in(self, room: str, service: str, attributes: dict[str, str]) -> str:
        """Asks LiveKit for an agent of the service; the dispatch's id. Lost in silence when no worker of it is there: see
        ``is_answered``."""
        request = api.CreateAgentDispatchRequest(
            agent_name=service, room=room, restart_policy=api.JobRestartPolicy.JRP_NEVER, attributes=attributes
        )
        return str((await self._livekit.agent_dispatch.create_dispatch(request)).id)

    async def is_answered(self, room: str, dispatch_id: str) -> bool:
        """Whether a worker took the job of that dispatch. About 210 ms after ``call_in`` on a quiet machine."""
        try:
            found = await self._livekit.agent_dispatch.get_dispatch(dispatch_id=dispatch_id, room_name=room)
        except api.TwirpError as e:
            if e.code == api.TwirpErrorCode.NOT_FOUND:
                return False
            raise
        return found is not None and bool(found.state.jobs)

    async def service_called(self, room: str) -> str:
        """The service of the room's first dispatch; empty when it has none."""
        found = await self._livekit.agent_dispatch.list_dispatch(room)
        return service_of(str(found[0].agent_name)) if found else ""

    async def tell(self, room: str, identity: str, *, topic: str) -> None:
        """A word to one participant, from nobody in the room: only the server's API can send that, no caller can."""
        await self._livekit.room.send_data(
            api.SendDataRequest(
                room=room,
                data=topic.encode(),
                kind=models.DataPacket.RELIABLE,
                destination_identities=[identity],
                topic=topic,
            )
        )

    async def close(self, room: str) -> None:
        """Everybody out: the caller hears that the line is closed."""
        try:
            await self._livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        except api.TwirpError as e:
            if e.code != api.TwirpErrorCode.NOT_FOUND:
                raise

    async def calls(self) -> tuple[str, ...]:
        """Names of the rooms that are calls and that somebody is in."""
        return await self._inhabited(CALL_ROOMS)

    async def consultations(self) -> tuple[str, ...]:
        """Names of those in which humans are on the telephone."""
        return await self._inhabited(CONSULTATIONS)

    async def _inhabited(self, beginning: str) -> tuple[str, ...]:
        answer = await self._livekit.room.list_rooms(api.ListRoomsRequest())
        return tuple(r.name for r in answer.rooms if r.name.startswith(beginning) and r.num_participants)

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._livekit.aclose()
