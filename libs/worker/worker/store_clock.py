"""The mesh's time in one process, also while Redis, whose clock it is, is away: this machine's own clock may be minutes off.

The store's time is remembered whenever it is heard, and runs on by the monotonic clock, which no correction makes jump. A process
that never heard it begins with what LiveKit's clock said when it was given its job.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable


class StoreClock:
    """Call it for the time, seconds since the epoch."""

    def __init__(
        self,
        *,
        begins_at: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        local: Callable[[], float] = time.time,
    ) -> None:
        """``begins_at``: the time now by somebody else's clock, until the store's is heard; this machine's when there is none."""
        self._monotonic = monotonic
        self._offset_seconds = (local() if begins_at is None else begins_at) - monotonic()

    def __call__(self) -> float:
        return self._monotonic() + self._offset_seconds

    def heard(self, store_time: float) -> None:
        """The store's clock shows this now."""
        self._offset_seconds = store_time - self._monotonic()


def issued_at(token: str) -> float | None:
    """When LiveKit made the token of a job, by LiveKit's clock (whole seconds); None when the token does not say.

    It came over LiveKit's own connection: its signature is not checked here.
    """
    try:
        payload = token.split(".")[1].encode()
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return float(claims["nbf"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None
