"""What was measured, and where it stands. A test compares each with the document it was taken from."""

from __future__ import annotations

from dataclasses import dataclass

from bench.density.capacity import Line

DENSITY = "bench/results/density-2026-12-01.md"
STORE = "bench/results/redis-2026-12-01.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Cores and MiB; a line is what a process costs with no call, and what each call adds."""

    worker_cores: Line
    """Of a pod's worker, speech and model remote (DENSITY, least squares)."""
    worker_mib: Line
    office_mib: float
    """A back office beside its worker; next to no CPU (docs/operations/capacity.md)."""
    livekit_cores: Line
    """LiveKit's share, a caller and an agent in each call (DENSITY, "Beside it": with none and with 7 calls)."""
    livekit_mib: Line
    redis_cores: Line
    """STORE."""
    redis_kib_of_call: float
    """A record of 40 turns; it stays for an hour after its last change."""
    redis_kib_of_handoff: float
    """For 300 s."""
    redis_kib_of_line: float
    """Of the ledger's stream, for 7 days."""
    speech_to_text_cores: float
    """A call's share of the embedded speech server, whisper tiny.en (DENSITY, embedded run)."""
    voices_cores: float
    """At most, a call's share of it for speaking what was not said before (docs/operations/capacity.md)."""
    speech_mib: float
    start_seconds: float
    """CPU seconds that a call's start costs the pod."""


FIGURES = Figures(
    worker_cores=Line(0.01, 0.167),
    worker_mib=Line(671, 80),
    office_mib=90,
    livekit_cores=Line(0.0, 0.13 / 7),
    livekit_mib=Line(47, (94 - 47) / 7),
    redis_cores=Line(0.01, 0.00025),
    redis_kib_of_call=8.5,
    redis_kib_of_handoff=4.1,
    redis_kib_of_line=0.13,
    speech_to_text_cores=0.05,
    voices_cores=0.05,
    speech_mib=450,
    start_seconds=1.0,
)
