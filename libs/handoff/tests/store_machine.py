"""Agents that take, pass, lose and take back the floor of one call in any order, crash, retry and come too late.

Hypothesis plays the agents. After every step the invariants are asked of the store; with more than one store, all are
played alike and must answer alike, so the memory store checks the Lua of the Redis store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

from handoff.call import Call, Ending, Floor
from handoff.errors import FloorLost, HandoffError
from handoff.lifecycle import FINAL, MOVES, State
from handoff.store import Handoff, Store
from handoff.testing import make_call, make_handoff
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

T = TypeVar("T")

LEASE_SECONDS = 600.0
SERVICES = st.sampled_from(["billing", "sales", "triage"])
ENDINGS = st.sampled_from(sorted(Ending))
_machines = count()


def comparable(answer: Any) -> Any:
    """An answer without what two stores may differ in: times, and the words of an error."""
    if isinstance(answer, HandoffError):
        return type(answer)
    if isinstance(answer, Floor):
        return replace(answer, lease_until=0.0)
    if isinstance(answer, Handoff):
        return replace(answer, moved_at=dict.fromkeys(answer.moved_at, 0.0))
    if isinstance(answer, Call):
        return replace(answer, ended_at=None if answer.ended_at is None else 0.0)
    return answer


class FloorMachine(RuleBasedStateMachine):
    """Subclasses say in ``make_stores`` which stores are played."""

    floors = Bundle("floors")
    """Every floor that was ever given: those overtaken try to write again and again."""
    offers = Bundle("offers")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stores: list[Store] = self.make_stores()
        self.number = next(_machines)
        self.call_id = f"call-{id(self)}-{self.number}"
        self.handoffs = 0
        self.agents = 0
        self.epoch = 0
        """The highest epoch that any store ever gave."""
        self.holder: Floor | None = None
        self.attempts = 0
        """Seizures since an owner last renewed its lease."""
        self.ended: Ending | None = None
        self.takers: dict[str, str] = {}
        self.taken_epoch: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        """How often each handoff gave its context away, and with it the floor."""
        self.states: dict[str, State] = {}
        self.last: Handoff | None = None

    def make_stores(self) -> list[Store]:
        raise NotImplementedError

    def teardown(self) -> None:
        for store in self.stores:
            self.runner.run(_as_coroutine(store.aclose()))
        self.runner.close()

    # --- how the agents speak to the stores -----------------------------------------------------------------------
    def ask(self, question: Callable[[Store], Awaitable[T]]) -> T | HandoffError:
        """The answer of all stores, which must be the same."""
        answers = [self.runner.run(_answer(question(store))) for store in self.stores]
        assert len({repr(comparable(answer)) for answer in answers}) == 1, [comparable(a) for a in answers]
        return answers[0]

    def given(self, floor: Floor | HandoffError, *, expected: bool) -> Floor | None:
        """Notes a floor that was given; ``expected`` says whether the rules allow it."""
        assert isinstance(floor, Floor) == expected, floor
        if not isinstance(floor, Floor):
            return None
        assert floor.epoch == self.epoch + 1
        self.epoch = floor.epoch
        self.holder = floor
        self.attempts = 0
        return floor

    def holds(self, floor: Floor) -> bool:
        return self.ended is None and floor.epoch == self.epoch

    def is_held_by(self, floor: Floor) -> bool:
        """As ``holds``, and under that very name: one that has come for an awaited floor holds it under its own."""
        return self.holds(floor) and self.holder is not None and self.holder.agent_id == floor.agent_id

    def new_agent(self, service: str) -> str:
        self.agents += 1
        return f"{service}-{self.agents}"

    # --- the floor ------------------------------------------------------------------------------------------------
    @initialize(target=floors)
    def a_call_comes_in(self) -> Floor:
        self.lease_passed = False
        self.ask(lambda store: store.open_call(make_call(self.call_id)))
        return self._take("triage")

    def _take(self, service: str) -> Floor:
        agent_id = self.new_agent(service)
        floor = self.ask(
            lambda store: store.take_floor(
                self.call_id, service=service, agent_id=agent_id, lease_seconds=LEASE_SECONDS
            )
        )
        given = self.given(floor, expected=True)
        assert given is not None
        self.lease_passed = False
        return given

    @precondition(lambda self: self.ended is None and not self.lease_passed)
    @rule(service=SERVICES)
    def somebody_wants_a_floor_that_is_held(self, service: str) -> None:
        agent_id = self.new_agent(service)
        refusal = self.ask(
            lambda store: store.take_floor(
                self.call_id, service=service, agent_id=agent_id, lease_seconds=LEASE_SECONDS
            )
        )
        assert isinstance(refusal, FloorLost)

    @precondition(lambda self: self.ended is None)
    @rule()
    def the_holder_crashes(self) -> None:
        """Its lease passes: here by being renewed for no time at all."""
        epoch = self.epoch
        self.ask(lambda store: store.renew_floor(self.call_id, epoch=epoch, lease_seconds=0.0))
        self.lease_passed = True
        self.attempts = 0

    @precondition(lambda self: self.ended is None and self.lease_passed)
    @rule(target=floors, service=SERVICES)
    def another_agent_takes_the_floor_over(self, service: str) -> Floor:
        return self._take(service)

    @rule(floor=floors)
    def an_agent_renews_its_lease(self, floor: Floor) -> None:
        renewed = self.ask(
            lambda store: store.renew_floor(self.call_id, epoch=floor.epoch, lease_seconds=LEASE_SECONDS)
        )
        assert isinstance(renewed, FloorLost) != self.holds(floor)
        if self.holds(floor):
            self.lease_passed = False
            self.attempts = 0

    @rule(floor=floors, language=st.sampled_from(["en", "de", "fr"]))
    def an_agent_writes_a_checkpoint(self, floor: Floor, language: str) -> None:
        before = self.ask(lambda store: store.load_call(self.call_id))
        call = make_call(self.call_id, language=language)
        answer = self.ask(lambda store: store.checkpoint(call, epoch=floor.epoch))
        after = self.ask(lambda store: store.load_call(self.call_id))
        assert isinstance(answer, FloorLost) != self.holds(floor)
        assert isinstance(after, Call)
        assert after.language == language if self.holds(floor) else after == before

    @rule(floor=floors, ending=ENDINGS, luck=st.integers(0, 4))
    def an_agent_ends_the_call(self, floor: Floor, ending: Ending, luck: int) -> None:
        if luck and self.holds(floor):
            # Most calls go on: after the ending there is little left to find.
            return
        could_end = self.holds(floor)
        answer = self.ask(lambda store: store.end_call(self.call_id, epoch=floor.epoch, ending=ending))
        if could_end:
            self.ended = ending
        assert isinstance(answer, FloorLost) if self.ended is None else isinstance(answer, Call)

    # --- handoffs -------------------------------------------------------------------------------------------------
    @rule(target=offers, floor=floors, to_service=SERVICES)
    def an_agent_makes_an_offer(self, floor: Floor, to_service: str) -> Handoff:
        return self._offer(floor, to_service)

    def _offer(self, floor: Floor, to_service: str) -> Handoff:
        self.handoffs += 1
        handoff = make_handoff(
            f"{self.call_id}-handoff-{self.handoffs}",
            to_service=to_service,
            call=make_call(self.call_id),
            epoch=floor.epoch,
            now=self.runner.run(_as_coroutine(self.stores[-1].now())),
        )
        stored = self.ask(lambda store: store.offer(handoff))
        assert isinstance(stored, Handoff) == self.holds(floor)
        if isinstance(stored, Handoff):
            self.states[stored.context.handoff_id] = State.OFFERED
        return handoff

    @rule(handoff=offers)
    def an_offer_is_repeated(self, handoff: Handoff) -> None:
        if handoff.context.handoff_id in self.states:
            assert isinstance(self.ask(lambda store: store.offer(handoff)), Handoff)

    @rule(handoff=offers)
    def an_offer_is_repeated_with_another_content(self, handoff: Handoff) -> None:
        if handoff.context.handoff_id not in self.states and handoff.context.epoch == self.epoch:
            # The store has lost it: what is offered now is its first content.
            return
        other = replace(handoff, context=replace(handoff.context, summary="Something else."))
        assert isinstance(self.ask(lambda store: store.offer(other)), HandoffError)

    @rule(handoff=offers, to=st.sampled_from(sorted(State)), taker=st.sampled_from(["", "taker-1", "taker-2"]))
    def a_handoff_is_moved(self, handoff: Handoff, to: State, taker: str) -> None:
        self._move(handoff, to, taker)

    @rule(handoff=offers, taker=st.sampled_from(["taker-1", "taker-2"]))
    def a_taker_gets_ready(self, handoff: Handoff, taker: str) -> None:
        for to in (State.ACCEPTED, State.DISPATCHED, State.READY):
            self._move(handoff, to, taker)

    def _move(self, handoff: Handoff, to: State, taker: str) -> None:
        handoff_id = handoff.context.handoff_id
        may = self._may_move(handoff_id, to, taker)
        moved = self.ask(lambda store: store.move(handoff_id, to, taker_id=taker))
        assert isinstance(moved, Handoff) == may, moved
        if isinstance(moved, Handoff):
            assert moved.state is to
            if self.states[handoff_id] is not to and taker:
                self.takers[handoff_id] = taker
            self.states[handoff_id] = to

    def _may_move(self, handoff_id: str, to: State, taker: str) -> bool:
        """The rules, once more, as a sentence each."""
        known = self.takers.get(handoff_id, "")
        if handoff_id not in self.states or (taker and known and taker != known):
            return False
        state = self.states[handoff_id]
        if state is to:
            return True
        if to not in MOVES[state] or to is State.TAKEN or (to is State.READY and not (taker or known)):
            return False
        return to is not State.SPOKEN or self.taken_epoch[handoff_id] == self.epoch

    @precondition(lambda self: self.ended is None)
    @rule(target=floors, to_service=SERVICES, steps=st.integers(1, 6))
    def the_holder_hands_over_as_it_should(self, to_service: str, steps: int) -> Floor:
        """All of a handoff, or its beginning: a crash may come after any step."""
        assert self.holder is not None
        giver = self.holder
        handoff = self._offer(giver, to_service)
        self.last = handoff
        for to in (State.ACCEPTED, State.DISPATCHED, State.READY)[: steps - 1]:
            # No name that new_agent gives: who asks again under his own name is given the same floor again.
            self._move(handoff, to, f"{to_service}-taker-{self.handoffs}")
        floor = self._pass(handoff, giver) if steps >= 5 else giver
        if steps == 6:
            self._move(handoff, State.SPOKEN, "")
        return floor

    @precondition(lambda self: self.last is not None)
    @rule(target=floors, spoke_first=st.booleans())
    def the_last_handoff_comes_to_its_end(self, spoke_first: bool) -> Floor:
        """The taker speaks, or its giver takes the floor back; either may come too late."""
        assert self.last is not None
        assert self.holder is not None
        if spoke_first:
            self._move(self.last, State.SPOKEN, "")
        return self._take_back(self.last, self.holder)

    @rule(target=floors, handoff=offers, floor=floors)
    def a_giver_passes_the_floor(self, handoff: Handoff, floor: Floor) -> Floor:
        return self._pass(handoff, floor)

    def _pass(self, handoff: Handoff, floor: Floor) -> Floor:
        handoff_id = handoff.context.handoff_id
        passed = self.ask(lambda store: store.pass_floor(handoff_id, epoch=floor.epoch, lease_seconds=LEASE_SECONDS))
        is_repeated = self._is_repeated(passed, State.TAKEN, handoff_id)
        if is_repeated:
            return floor
        may = self.holds(floor) and self.states.get(handoff_id) is State.READY
        given = self.given(passed, expected=may)
        if given is None:
            return floor
        assert (given.service, given.agent_id) == (handoff.to_service, self.takers[handoff_id])
        self.states[handoff_id] = State.TAKEN
        self.taken[handoff_id] = self.taken.get(handoff_id, 0) + 1
        self.taken_epoch[handoff_id] = given.epoch
        self.lease_passed = False
        return given

    @rule(target=floors, handoff=offers, floor=floors)
    def a_giver_takes_the_floor_back(self, handoff: Handoff, floor: Floor) -> Floor:
        return self._take_back(handoff, floor)

    def _take_back(self, handoff: Handoff, floor: Floor) -> Floor:
        handoff_id = handoff.context.handoff_id
        back = self.ask(
            lambda store: store.take_back(handoff_id, giver_id="giver", epoch=floor.epoch, lease_seconds=LEASE_SECONDS)
        )
        if self._is_repeated(back, State.SUPERSEDED, handoff_id):
            return floor
        if not isinstance(back, Floor):
            return floor
        assert self.states[handoff_id] is State.TAKEN
        given = self.given(back, expected=self.holds(floor))
        assert given is not None
        self.states[handoff_id] = State.SUPERSEDED
        self.lease_passed = False
        return given

    def _is_repeated(self, floor: Floor | HandoffError, state: State, handoff_id: str) -> bool:
        """True for the same answer to the same question: nothing was given anew."""
        return isinstance(floor, Floor) and floor.epoch == self.epoch and self.states.get(handoff_id) is state

    # --- what is true at any time ---------------------------------------------------------------------------------
    @invariant()
    def the_floor_has_at_most_one_holder_and_its_epoch_never_falls(self) -> None:
        floor = self.ask(lambda store: store.load_floor(self.call_id))
        if self.ended is not None or self.epoch == 0:
            assert floor is None
            return
        assert isinstance(floor, Floor)
        assert self.holder is not None
        assert (floor.epoch, floor.agent_id, floor.service) == (
            self.epoch,
            self.holder.agent_id,
            self.holder.service,
        )

    @invariant()
    def the_call_tells_who_had_the_floor_and_how_it_ended(self) -> None:
        call = self.ask(lambda store: store.load_call(self.call_id))
        if isinstance(call, Call) and self.holder is not None:
            assert call.services[-1] == self.holder.service
            assert call.ending is self.ended

    @invariant()
    def a_context_is_delivered_at_most_once(self) -> None:
        assert all(times == 1 for times in self.taken.values())

    @invariant()
    def each_handoff_is_where_its_moves_brought_it(self) -> None:
        for handoff_id, state in self.states.items():
            stored = self.ask(lambda store, handoff_id=handoff_id: store.load_handoff(handoff_id))
            assert isinstance(stored, Handoff)
            assert stored.state is state
            assert (State.TAKEN in stored.moved_at) == (handoff_id in self.taken)
            assert len(FINAL & stored.moved_at.keys()) <= 1

    @invariant()
    def the_ledger_has_one_line_for_a_call_that_ended(self) -> None:
        for store in self.stores:
            lines = self.runner.run(_as_coroutine(store.endings()))
            mine = [line.ending for line in lines if line.call_id == self.call_id]
            assert mine == ([] if self.ended is None else [self.ended])


async def _answer(question: Awaitable[T]) -> T | HandoffError:
    try:
        return await question
    except HandoffError as refusal:
        return refusal


def _as_coroutine(awaitable: Awaitable[T]) -> Coroutine[Any, Any, T]:
    async def awaited() -> T:
        return await awaitable

    return awaited()
