"""The ledger: one line for each call that ended, written once, never changed. It names no caller."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.call import Ending


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """How one call ended. ``ended_at`` is seconds since the epoch by the store's clock."""

    call_id: str
    ending: Ending
    ended_at: float
