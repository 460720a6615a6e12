"""Guardians among the agents of store_machine.py: they find the call when its owner is dead, race for its floor, and come too
late; its successors speak or never do; and the store itself comes back empty.
"""

from __future__ import annotations

from handoff.call import Floor
from handoff.errors import FloorLost, HandoffError
from handoff.lifecycle import MOVES, State
from handoff.store import Overdue, Store
from handoff.testing import make_call
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from store_machine import LEASE_SECONDS, SERVICES, FloorMachine

_EVERYBODY = 100_000
"""More calls than one run leaves behind in a store that outlives it."""


class RecoveryMachine(FloorMachine):
    """Subclasses also say how their stores lose everything."""

    def lose_everything(self) -> None:
        """All stores, as a Redis that was restarted empty."""
        raise NotImplementedError

    # --- guardians ------------------------------------------------------------------------------------------------
    @rule(
        target=FloorMachine.floors,
        seen=FloorMachine.floors,
        guardians=st.integers(1, 4),
        service=SERVICES,
        knows_of_death=st.booleans(),
        speaks=st.booleans(),
    )
    def guardians_race(self, seen: Floor, guardians: int, service: str, knows_of_death: bool, speaks: bool) -> Floor:
        """All saw the same floor, now or long ago. A parent knows of its agent's death; the others wait for the lease."""
        return self._race(seen, guardians, service, dead=seen.agent_id if knows_of_death else "", speaks=speaks)

    @precondition(lambda self: self.ended is None and self.lease_passed)
    @rule(target=FloorMachine.floors, guardians=st.integers(1, 4), service=SERVICES, speaks=st.booleans())
    def guardians_find_the_call(self, guardians: int, service: str, speaks: bool) -> Floor:
        assert self.holder is not None
        return self._race(self.holder, guardians, service, dead="", speaks=speaks)

    def _race(self, seen: Floor, guardians: int, service: str, *, dead: str, speaks: bool) -> Floor:
        """``speaks``: the successor gets a lease; else it is as if that had passed in silence."""
        may = self.holds(seen) and (self.lease_passed or (bool(dead) and self.is_held_by(seen)))
        attempts = self.attempts
        lease_seconds = LEASE_SECONDS if speaks else 0.0
        given: list[Floor] = []
        for _ in range(guardians):
            answer = self._seize(seen, service, self.new_agent(service), lease_seconds, dead)
            floor = self.given(answer, expected=may and not given)
            if floor is not None:
                given.append(floor)
        assert len(given) == (1 if may else 0)
        if not given:
            return seen
        self.attempts = attempts + 1
        self.lease_passed = not speaks
        self._note_superseded()
        return given[0]

    def _seize(self, seen: Floor, service: str, agent_id: str, lease_seconds: float, dead: str) -> Floor | HandoffError:
        return self.ask(
            lambda store: store.seize_floor(
                self.call_id,
                epoch=seen.epoch,
                service=service,
                agent_id=agent_id,
                lease_seconds=lease_seconds,
                dead_agent_id=dead,
            )
        )

    @rule(target=FloorMachine.floors, seen=FloorMachine.floors, jobs=st.integers(1, 3))
    def jobs_come_for_a_floor(self, seen: Floor, jobs: int) -> Floor:
        """All for the same one, which was given to the name that they know: now, or long ago."""
        is_free = self.is_held_by(seen)
        claims = [self._claim(seen, self.new_agent(seen.agent_id)) for _ in range(jobs)]
        assert [isinstance(claim, Floor) for claim in claims] == [is_free, *[False] * (jobs - 1)]
        if not isinstance(first := claims[0], Floor):
            return seen
        assert first.epoch == self.epoch
        self.holder = first
        return first

    def _claim(self, seen: Floor, agent_id: str) -> Floor | HandoffError:
        return self.ask(
            lambda store: store.claim_floor(self.call_id, epoch=seen.epoch, awaited_id=seen.agent_id, agent_id=agent_id)
        )

    def _note_superseded(self) -> None:
        for handoff_id, state in self.states.items():
            if State.SUPERSEDED in MOVES[state]:
                self.states[handoff_id] = State.SUPERSEDED

    @precondition(lambda self: self.ended is None and self.attempts > 0)
    @rule()
    def the_winner_of_a_seizure_lost_the_answer_and_asks_again(self) -> None:
        holder = self.holder
        assert holder is not None
        before = Floor(holder.call_id, holder.service, "somebody", holder.epoch - 1, 0.0)
        again = self._seize(before, holder.service, holder.agent_id, LEASE_SECONDS, "")
        assert isinstance(again, Floor)
        assert (again.epoch, again.agent_id) == (holder.epoch, holder.agent_id)

    # --- a store that comes back empty ----------------------------------------------------------------------------
    @rule(floor=FloorMachine.floors)
    def an_agent_restores_a_call_that_is_there(self, floor: Floor) -> None:
        """The owner only renews; whoever was overtaken gets nothing."""
        answer = self._restore(floor)
        assert isinstance(answer, FloorLost) != self.is_held_by(floor)
        if self.is_held_by(floor):
            self.lease_passed = False
            self.attempts = 0

    @precondition(lambda self: self.ended is None)
    @rule()
    def the_store_comes_back_empty_and_the_owner_restores_its_call(self) -> None:
        assert self.holder is not None
        self.lose_everything()
        answer = self._restore(self.holder)
        assert isinstance(answer, Floor)
        assert (answer.epoch, answer.agent_id) == (self.epoch, self.holder.agent_id)
        self.states.clear()
        self.lease_passed = False
        self.attempts = 0

    def _restore(self, floor: Floor) -> Floor | HandoffError:
        return self.ask(
            lambda store: store.restore_call(
                make_call(self.call_id),
                service=floor.service,
                agent_id=floor.agent_id,
                epoch=floor.epoch,
                lease_seconds=LEASE_SECONDS,
            )
        )

    # --- what is true at any time ---------------------------------------------------------------------------------
    @invariant()
    def the_call_is_overdue_when_its_owner_is_dead_and_only_then(self) -> None:
        found = self.ask(self._overdue)
        if self.ended is not None or self.holder is None or not self.lease_passed:
            assert found == ()
            return
        holder = self.holder
        assert found == (Overdue(self.call_id, holder.service, holder.agent_id, self.epoch, self.attempts),)

    async def _overdue(self, store: Store) -> tuple[Overdue, ...]:
        return tuple(each for each in await store.overdue(limit=_EVERYBODY) if each.call_id == self.call_id)

    @invariant()
    def the_call_is_live_until_its_ending(self) -> None:
        is_live = self.ask(self._is_live)
        assert is_live == (self.ended is None and self.holder is not None)

    async def _is_live(self, store: Store) -> bool:
        return self.call_id in await store.live_calls()
