"""A canary: some workers of a service that run another version beside the others, and get a share of the handoffs to it.

Its workers say each second that they are there, with which version and which weight (per cent). Whoever hands a call to the service
asks the store, and goes by the call's id: a call is in the share or it is not, however often it is asked about, and one that is in a
share of 10 % is in one of 20 %, too. What came of each handoff is counted with the version that had it. One script does so, and stops
the version with it when MOST_FAILED or more of the last WINDOW handoffs failed and they are FAILED_PER_CENT or more of these. A version
that is stopped gets nothing, however often its workers start, until somebody resets it; another version begins anew.

States: there is none (nobody has told for some seconds, or ever), running, stopped. See docs/adr/0012.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from handoff.agent_ids import canary_of
from handoff.errors import InvalidContext

log = logging.getLogger("handoff.canary")

WINDOW = 20
MOST_FAILED = 3
FAILED_PER_CENT = 20
MOST_WEIGHT = 50
"""Per cent. The other version is the one that is known to be good: it has half of the calls at least, and room for all of them."""
TRIAL_SECONDS = 7 * 86400.0
"""So long a version is remembered after it was heard of last: what it was given, and that it was stopped."""
MAX_VERSION_CHARS = 200


@dataclass(frozen=True, slots=True)
class Canary:
    """A service's canary, as the store knows it. ``spoken`` and ``failed``: what came of the handoffs to this version."""

    service: str
    version: str
    weight: int
    """Per cent, as its workers told."""
    is_there: bool
    """Whether any of its workers told of it in the last seconds."""
    spoken: int = 0
    failed: int = 0
    recent: str = ""
    """The last WINDOW of these, oldest first: ``s`` spoken, ``f`` failed."""
    stopped_at: float = 0.0
    """The store's clock, in seconds; 0 while it is not stopped."""
    why: str = ""
    """Why it was stopped."""

    @property
    def agent_name(self) -> str:
        """LiveKit's name for its workers, and what stands for them in ``peers``."""
        return canary_of(self.service)

    @property
    def share(self) -> int:
        """Per cent of the handoffs that it gets now."""
        return self.weight if self.is_there and not self.stopped_at else 0

    def gets(self, call_id: str) -> bool:
        """Whether this call is in its share."""
        return place_of(self.service, call_id) < self.share


def place_of(service: str, call_id: str) -> float:
    """Where a call stands among all calls, from 0 to below 100: evenly spread, and the same in every process. Another place for
    another service, so that two canaries do not try the same callers."""
    digest = hashlib.sha256(f"{service} {call_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * 100


def is_failing(recent: str) -> bool:
    """Whether a version is to be stopped when this came of its last handoffs."""
    failed = recent.count("f")
    return failed >= MOST_FAILED and failed * 100 >= FAILED_PER_CENT * len(recent)


def why_stopped(failed: int, of: int) -> str:
    """In the words in which people are told."""
    return f"{failed} of the last {of} handoffs failed"


def tell_stopped(canary: Canary) -> None:
    """For the one who was told by the store that it is stopped: nobody else says so."""
    log.warning(
        "the canary of %s is stopped: %s (version %s, %d spoken, %d failed); it gets nothing until it is reset",
        canary.service,
        canary.why,
        canary.version,
        canary.spoken,
        canary.failed,
    )


def check_canary(version: str, weight: int) -> None:
    """Raises InvalidContext for what no worker may tell of itself."""
    if not version.strip() or len(version) > MAX_VERSION_CHARS or not version.isprintable():
        raise InvalidContext("a canary's version is a short line of text")
    if not 1 <= weight <= MOST_WEIGHT:
        raise InvalidContext(f"a canary's weight lies between 1 and {MOST_WEIGHT}")
