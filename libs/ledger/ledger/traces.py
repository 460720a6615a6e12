"""The root of each call's trace: nobody else lives through every call from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterable

from handoff.ledger import LedgerLine
from telemetry import tracing


def write_roots(lines: Iterable[LedgerLine]) -> None:
    """Of calls whose lines have just been written, for the first time. A ledger that is killed between the two leaves a trace without
    a root: its parts are found by the call's id all the same."""
    for line in lines:
        # 0 when a release before that opened it; and an agent's machine may have any clock.
        started_at = line.started_at if 0 < line.started_at < line.ended_at else line.ended_at
        what = {"voicemesh.ending": line.ending.value, "voicemesh.channel": line.channel}
        tracing.write_call(line.call_id, what, started_at=started_at, ended_at=line.ended_at)
