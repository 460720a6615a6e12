"""How long things take in a made-up call. Under fire it is as fast as can be; a load run has people who think."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    join_seconds: float = 0.02
    """A job's way into its room; and what it does there before it is ready."""
    sentence_seconds: float = 0.03
    """A sentence of an agent's."""
    words: int = 5
    """In how many pieces it is spoken: one that is frozen in the middle has the rest of it still on its lips."""
