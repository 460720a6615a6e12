"""Any interleaving of giver, taker, guardian, crash and retry over the memory store, with a clock that can jump."""

from __future__ import annotations

from handoff.store import Store
from handoff.testing import FakeClock, OutageStore
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from recovery_machine import RecoveryMachine
from store_machine import LEASE_SECONDS


class MemoryMachine(RecoveryMachine):
    def make_stores(self) -> list[Store]:
        self.clock = FakeClock()
        # Nothing is forgotten here: what expiry does has tests of its own, and an oracle that forgets is no oracle.
        self.store = OutageStore(
            now=self.clock, call_ttl_seconds=1e9, handoff_ttl_seconds=1e9, ledger_ttl_seconds=1e9, reread_seconds=0.01
        )
        return [self.store]

    def lose_everything(self) -> None:
        self.store.forget_everything()

    @precondition(lambda self: self.ended is None)
    @rule(seconds=st.sampled_from([0.5, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        assert self.holder is not None

    @precondition(lambda self: self.ended is None)
    @rule()
    def a_lease_passes_by_the_clock(self) -> None:
        self.runner.run(self.stores[0].renew_floor(self.call_id, epoch=self.epoch, lease_seconds=1.0))
        self.clock.advance(1.0)
        self.lease_passed = True
        self.attempts = 0


MemoryMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
assert LEASE_SECONDS > 40 * 5.0, "no lease may pass by itself within one run"


class TestAnyInterleavingOverMemory(MemoryMachine.TestCase):  # type: ignore[valid-type]
    pass
