"""Everybody around the desk, for its tests: a call at customer care that waits for a human, LiveKit's room, a service that takes over."""

from __future__ import annotations

import asyncio
from typing import Any

from handoff.call import Attempt, Call, Fact, Floor, Mood, Role, Sentiment, Source
from handoff.context import build_context
from handoff.desk import DESK, ENTRY
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.store import Handoff
from handoff.testing import START, FakeClock, make_call, make_fact, make_intent, make_turn
from livekit import api
from starlette.testclient import TestClient

from gateway.app import application
from gateway.settings import Settings
from gateway.tests.conftest import ENVIRONMENT, SITE

SECRET = "desk-desk-desk-desk-desk-desk-desk-desk"
CARD = "4242 4242 4242 4242"
CALL = make_call(
    display_name="Sarah Chen",
    sentiment=Sentiment(Mood.NEGATIVE, -0.7, -0.5),
    turns=(
        make_turn("How can I help you?", role=Role.AGENT),
        make_turn("I was charged twice, I want a manager."),
        make_turn(f"My card is {CARD}."),
    ),
    facts=(
        make_fact(),
        Fact("identity_capability", "the-proof-itself", Source.TOOL, START, True, "billing"),
        make_fact("postal_code", "97209"),
    ),
    attempts=(Attempt("billing", "process_refund", "above_limit", START),),
    effects=("open_ticket TK-1",),
)


class Store(MemoryStore):
    """``speaks``: whether a service that is given the floor is heard at once."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        super().__init__(now=self.clock, reread_seconds=0.01)
        self.speaks = True

    async def pass_floor(self, handoff_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """See Store.pass_floor."""
        floor = await super().pass_floor(handoff_id, epoch=epoch, lease_seconds=lease_seconds)
        if floor.service != DESK and self.speaks:
            await self.move(handoff_id, State.SPOKEN)
        return floor


class Room:
    """LiveKit's rooms. ``taker_comes``: whether an agent that is called in gets READY; else it gives up at once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.microphones: set[str] = set()
        self.journal: list[str] = []
        self.taker_comes = True
        self.is_away = False

    def _answers(self) -> None:
        if self.is_away:
            raise api.TwirpError("unavailable", "LiveKit is away", status=503)

    async def has_microphone(self, room: str, identity: str) -> bool:
        """See Rooms."""
        self._answers()
        return identity in self.microphones

    async def call_in(self, room: str, service: str, handoff_id: str, epoch: int) -> None:
        """See Rooms."""
        self._answers()
        self.journal.append(f"called {service}")
        if self.taker_comes:
            await self.store.move(handoff_id, State.READY, taker_id=f"{service}-{handoff_id}-AJ_1")
        else:
            await self.store.move(handoff_id, State.WITHDRAWN, reason="lost")

    async def put_out(self, room: str, identity: str) -> None:
        """See Rooms."""
        self._answers()
        self.microphones.discard(identity)
        self.journal.append(f"put out {identity.split('-', 1)[0]}")

    async def close(self, room: str) -> None:
        """See Rooms."""
        self._answers()
        self.journal.append("closed")


class Stage:
    """A gateway with a desk, and one call; ask it as pages do."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store()
        self.room = Room(self.store)
        self._app = application(settings, self.store, self.room)

    def browser(self, origin: str | None = SITE, *, address: str = "203.0.113.7") -> TestClient:
        """Of somebody who has not signed in."""
        headers = {"origin": origin} if origin is not None else {}
        return TestClient(self._app, base_url=SITE, headers=headers, client=(address, 40_000))

    def human(self, name: str = "Anna", *, address: str = "203.0.113.7") -> Human:
        """One who has signed in."""
        page = self.browser(address=address)
        assert page.post("/api/desk/in", json={"secret": SECRET, "name": name}).status_code == 204
        return Human(page)

    # --- the agent who gives the call away ------------------------------------------------------------------------
    def waits(self, call_id: str = "call-1") -> str:
        """A caller is in line for a human; the offer's id."""
        return asyncio.run(self._waits(call_id))

    async def _waits(self, call_id: str) -> str:
        await self.store.open_call(make_call(call_id, **_fields_of(CALL)))
        floor = await self.store.take_floor(call_id, service="escalation", agent_id="escalation-1", lease_seconds=60)
        call, handoff_id = await self.store.load_call(call_id), f"d-{call_id}"
        assert call is not None
        context = build_context(
            call,
            entry=ENTRY,
            handoff_id=handoff_id,
            epoch=floor.epoch,
            now=self.store.clock(),
            intent=make_intent("escalation"),
        )
        await self.store.offer(Handoff(context, "escalation", DESK, State.OFFERED))
        await self.store.move(handoff_id, State.ACCEPTED)
        await self.store.wait_in_line(DESK, call_id)
        return handoff_id

    def gives_floor(self, handoff_id: str) -> None:
        """The agent has introduced the human."""
        asyncio.run(self.store.pass_floor(handoff_id, epoch=1, lease_seconds=10))

    # --- what came of it ------------------------------------------------------------------------------------------
    def call(self, call_id: str = "call-1") -> Call:
        """The record."""
        found = asyncio.run(self.store.load_call(call_id))
        assert found is not None
        return found

    def handoff(self, handoff_id: str) -> Handoff:
        """As it is stored."""
        found = asyncio.run(self.store.load_handoff(handoff_id))
        assert found is not None
        return found

    def floor(self, call_id: str = "call-1") -> Floor | None:
        """Who has it."""
        return asyncio.run(self.store.load_floor(call_id))


class Human:
    """A signed-in browser, and the seat of the call that it took."""

    def __init__(self, page: TestClient) -> None:
        self.page = page
        self.seat = self.identity = ""

    def asks(self, what: str, *, code: int = 200, **body: Any) -> dict[str, Any]:
        """The answer, which has this status."""
        if self.seat and what not in ("look", "take", "out") and "available" not in body:
            body = {"seat": self.seat} | body
        answer = self.page.post(f"/api/desk/{what}", json=body)
        assert answer.status_code == code, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return dict(answer.json()) if answer.content else {}

    def takes(self, handoff_id: str) -> None:
        """Accepts the call."""
        self.seat = self.asks("take", handoff_id=handoff_id)["seat"]
        self.identity = self.asks("door")["identity"]

    def has_call(self, stage: Stage, call_id: str = "call-1") -> str:
        """Accepts a call that waits, is introduced, and speaks; the offer's id."""
        handoff_id = stage.waits(call_id)
        self.takes(handoff_id)
        stage.room.microphones.add(self.identity)
        self.asks("ready")
        stage.gives_floor(handoff_id)
        assert self.asks("beat", open=True)["standing"] == "floor"
        return handoff_id


def desk_settings(**changes: str) -> Settings:
    """As in the other tests, with a desk."""
    return Settings.from_env(ENVIRONMENT | {"VOICEMESH_DESK_SECRET": SECRET} | changes)


def _fields_of(call: Call) -> dict[str, Any]:
    names = ("display_name", "sentiment", "turns", "facts", "attempts", "effects")
    return {name: getattr(call, name) for name in names}
