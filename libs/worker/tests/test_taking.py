"""A taker's first word: noted as spoken, or not, and what the taker then does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from handoff.errors import FloorLost, HandoffError, IllegalMove, StoreUnavailable, UnknownHandoff
from worker import taking


class Told:
    """A desk and a cast on paper, over a store that answers with a fault."""

    def __init__(self, fault: HandoffError | None) -> None:
        self.journal: list[str] = []
        self._fault = fault
        self.store = self.leaving = self.gate = self
        self.call_id = "call-1"

    async def move(self, handoff_id: str, state: object) -> None:
        if self._fault is not None:
            raise self._fault

    def shut(self) -> None:
        self.journal.append("gate shut")

    def leave(self, reason: str) -> None:
        self.journal.append(f"left: {reason}")


async def is_taken(fault: HandoffError | None) -> tuple[bool, list[str]]:
    told: Any = Told(fault)
    return await taking._is_taken(told, SimpleNamespace(gate=told), "h1"), told.journal  # type: ignore[arg-type]


async def test_who_is_heard_has_the_call() -> None:
    assert await is_taken(None) == (True, [])


@pytest.mark.parametrize("fault", [IllegalMove("taken back"), FloorLost("taken back")], ids=lambda e: type(e).__name__)
async def test_who_spoke_too_late_is_silent_at_once_and_leaves(fault: HandoffError) -> None:
    assert await is_taken(fault) == (False, ["gate shut", "left: floor lost"])


@pytest.mark.parametrize(
    "fault", [StoreUnavailable("away"), UnknownHandoff("came back empty")], ids=lambda e: type(e).__name__
)
async def test_who_is_heard_while_the_store_is_away_goes_on(fault: HandoffError) -> None:
    assert await is_taken(fault) == (True, [])
