"""A thousand callers at once, each with words that nobody else says: whoever sees another's, or what is private, is found out.

For the canary tests over both stores. A call walks triage, billing, a third service and back to billing by the real record, the
real wire, the real takers; what each agent is told is written down as a ``Sighting`` to be judged.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from handoff import wire
from handoff.call import Call, Channel, Role, Source
from handoff.context import HandoffContext, build_context
from handoff.directory import DIRECTORY
from handoff.lifecycle import State
from handoff.outcome import Accepted, Refusal
from handoff.store import Store
from handoff.taker import Taker

from worker.agent import briefing
from worker.agent.capability import Identity
from worker.agent.hearing import Hearing
from worker.agent.learning import Learning
from worker.agent.tools import BackOffice
from worker.checkpoint import Checkpoint
from worker.playbook.story import known_to, story_of
from worker.service import Service

CANARY = re.compile(r"zq([a-j]{4})([a-z]*)")
"""A caller's number in letters, and what it is part of."""
_FACTS = ("invoice_number", "product", "error_message", "steps_tried", "company_size", "interest")
SPOKEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Canary:
    """One caller's own words; ``number`` is 0 to 9999."""

    number: int

    @property
    def call_id(self) -> str:
        """Says nothing about the caller."""
        return f"call-{self.number:04d}"

    def word(self, kind: str) -> str:
        """A word of that caller alone, e.g. ``zqaaabturn``."""
        return "zq" + "".join("abcdefghij"[int(digit)] for digit in f"{self.number:04d}") + kind

    @property
    def postal_code(self) -> str:
        """Five digits."""
        return f"7{self.number:04d}"

    @property
    def phone(self) -> str:
        """As people write it."""
        return f"503-556-{self.number:04d}"

    @property
    def card(self) -> str:
        """Sixteen digits with the right check digit."""
        digits = f"40000000000{self.number:04d}"
        weighed = (int(d) * (2 - i % 2) for i, d in enumerate(digits))
        total = sum(n - 9 if n > 9 else n for n in weighed)
        return digits + str(-total % 10)

    @property
    def private(self) -> tuple[str, ...]:
        """What no agent is ever told by another, and no prompt ever shows."""
        spoken = " ".join(SPOKEN[int(digit)] for digit in self.postal_code)
        return (self.card, self.phone, self.postal_code, spoken, self.word("mail"), self.word("cap"))


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that a service was told about a call."""

    caller: Canary
    service: str
    where: str
    """``context``, ``prompt``, ``chat``, ``greeting``, ``known`` or ``story``."""
    text: str


class _Place:
    """Always one free."""

    capacity, taken, draining = 10_000, 0, False

    def try_admit(self, handoff_id: str) -> Refusal | None:
        return None

    def release(self, handoff_id: str) -> None:
        pass


@dataclass
class Crowd:
    """Everybody who calls; ``seen`` is what their agents were told. ``services`` by name, with prompts of their own."""

    store: Store
    services: dict[str, Service]
    seed: int = 0
    seen: list[Sighting] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._takers = {name: Taker(name, "1", store=self.store, admission=_Place()) for name in self.services}

    async def call_all(self, callers: Sequence[Canary], *, at_once: int = 50) -> None:
        """``at_once`` of them at any time, each step of each at a time of its own."""
        lines = asyncio.Semaphore(at_once)

        async def on_a_free_line(caller: Canary) -> None:
            async with lines:
                await self._call(caller)

        async with asyncio.TaskGroup() as everybody:
            for caller in callers:
                everybody.create_task(on_a_free_line(caller))

    async def _call(self, caller: Canary) -> None:
        chance = random.Random(self.seed + caller.number)
        third = chance.choice(["technical", "sales", "escalation"])
        call = Call(caller.call_id, Channel.WEB, f"caller-{caller.number}", await self.store.now())
        await self.store.open_call(call)
        floor = await self.store.take_floor(caller.call_id, service="triage", agent_id="triage-1", lease_seconds=600)
        begun = await self.store.load_call(caller.call_id)
        assert begun is not None
        checkpoint = self._checkpoint(begun, "triage")
        checkpoint.hold(floor)
        for service, taker in (("triage", "billing"), ("billing", third), (third, "billing")):
            for step in self._talk(caller, service, checkpoint):
                step()
                await self._anybody_else(chance)
            checkpoint = await self._hand_over(caller, checkpoint, service, taker)
        checkpoint.let_go()

    async def _anybody_else(self, chance: random.Random) -> None:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)

    def _checkpoint(self, call: Call, service: str) -> Checkpoint:
        return Checkpoint(self.store, call, service=service, lease_seconds=600, on_floor_lost=lambda: None)

    def _talk(self, caller: Canary, service: str, checkpoint: Checkpoint) -> Iterator[Any]:
        """What is said and learned at a service, step by step."""
        hearing = Hearing(checkpoint, service)
        office = BackOffice("http://office.invalid/mcp", call_id=caller.call_id, timeout_seconds=5.0)
        Learning(checkpoint, office)
        spoken_code = " ".join(SPOKEN[int(digit)] for digit in caller.postal_code)
        yield lambda: hearing.note(
            f"This is about my {caller.word('turn')} invoice, charged to {caller.card}. Mail {caller.word('mail')}@example.com"
            f" or {caller.word('mail')} at example dot com, or call {caller.phone}."
        )
        yield lambda: self._note_facts(caller, checkpoint, _FACTS[:3])
        yield lambda: self._note_facts(caller, checkpoint, _FACTS[3:])
        yield lambda: checkpoint.note_turn(Role.AGENT, "Thank you. What is the ZIP code on your account?")
        yield lambda: hearing.note(f"It's {spoken_code}.")
        yield lambda: checkpoint.note_fact("postal_code", caller.postal_code, source=Source.CALLER)
        name = f"Sarah {caller.word('name')}"
        yield lambda: office.on_verified(Identity(caller.word("account"), name, caller.word("cap")))
        yield lambda: hearing.note(f"I said {caller.postal_code}, my card is {caller.card}.")
        checkpoint.note_attempt("process_refund", "refused")
        yield lambda: checkpoint.note_effect(f"{service}_tool {caller.word('effect')} 49.99")

    def _note_facts(self, caller: Canary, checkpoint: Checkpoint, names: Sequence[str]) -> None:
        for name in names:
            checkpoint.note_fact(name, caller.word(name.replace("_", "")), source=Source.CALLER)

    async def _hand_over(self, caller: Canary, giver: Checkpoint, service: str, taker: str) -> Checkpoint:
        handoff_id = f"h-{caller.number:04d}-{len(giver.call.handoff_ids)}"
        intent = giver.call.intent
        assert intent is not None
        made = build_context(
            giver.call,
            entry=DIRECTORY[taker],
            handoff_id=handoff_id,
            epoch=giver.epoch,
            now=await self.store.now(),
            intent=intent,
        )
        offered = wire.OfferRequest(to_service=taker, context=wire.to_wire(made))
        answer = wire.outcome_from_wire(await self._takers[taker].Offer(offered, None), handoff_id)  # type: ignore[arg-type]
        assert isinstance(answer, Accepted), answer
        giver.note_handoff(handoff_id)
        stored = await self.store.load_handoff(handoff_id)
        assert stored is not None
        self._told(caller, taker, stored.context, giver.call)
        await self.store.move(handoff_id, State.READY, taker_id=f"{taker}-{caller.number}")
        giver.note_turn(Role.CALLER, f"And my mail is {caller.word('mail')}@example.com, {caller.word('late')}.")
        assert await giver.flushed(60.0)
        epoch = giver.epoch
        giver.let_go()
        floor = await self.store.pass_floor(handoff_id, epoch=epoch, lease_seconds=600)
        latest = await self.store.load_call(caller.call_id)
        assert latest is not None
        mine = self._checkpoint(latest, taker)
        mine.take_over(latest, intent=stored.context.intent)
        mine.hold(floor)
        self._begins(caller, taker, stored.context, mine.call)
        return mine

    # --- what is written down ---------------------------------------------------------------------------------------
    def _told(self, caller: Canary, service: str, context: HandoffContext, call: Call) -> None:
        page = self.services[service]
        cap = caller.word("cap")
        for text in _texts(asdict(context)):
            if text != cap:  # the one place where it may stand: the fact that a back office is shown
                self._saw(caller, service, "context", text)
        self._saw(caller, service, "prompt", briefing.instructions(page, context, ""))
        self._saw(caller, service, "greeting", briefing.greeting(page, context))
        for turn in briefing.turns(page, call, context):
            self._saw(caller, service, "chat", turn.text)

    def _begins(self, caller: Canary, service: str, context: HandoffContext, call: Call) -> None:
        for turn in briefing.late_turns(call, context):
            self._saw(caller, service, "chat", turn.text)
        self._saw(caller, service, "known", repr(known_to(call, service)))
        self._saw(caller, service, "story", repr(story_of(call, service).effects))

    def _saw(self, caller: Canary, service: str, where: str, text: str) -> None:
        self.seen.append(Sighting(caller, service, where, text))

    # --- what is judged -----------------------------------------------------------------------------------------------
    def wrong_sightings(self) -> list[tuple[str, str, str]]:
        """(call, service, where) of everything that somebody was told and should not have been. Quotes nothing."""
        return [
            (seen.caller.call_id, seen.service, f"{seen.where}: {what}")
            for seen in self.seen
            for what in _wrong_in(seen)
        ]


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield str(value)
        case dict():
            for part in value.values():
                yield from _texts(part)
        case list() | tuple():
            for part in value:
                yield from _texts(part)


def _wrong_in(seen: Sighting) -> Iterator[str]:
    own = seen.caller.word("")
    for found in CANARY.finditer(seen.text):
        if f"zq{found[1]}" != own:
            yield "another caller's words"
    for secret in seen.caller.private:
        if secret in seen.text:
            yield "something private"
    facts = {word: name for name in _FACTS if (word := seen.caller.word(name.replace("_", "")))}
    # A service that had the call heard some of them itself; what it was told by others is the directory's to say.
    told = seen.where in ("context", "prompt", "greeting")
    for word, name in facts.items():
        if told and word in seen.text and name not in DIRECTORY[seen.service].receives:
            yield f"{name}, which it does not receive"
