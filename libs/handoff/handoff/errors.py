"""What can go wrong while a call changes hands.

HandoffError
├── FloorLost            final       someone else holds the floor (our epoch is overtaken): stop speaking
├── IllegalMove          final       the handoff's state has no such arrow (see lifecycle.py)
├── InvalidContext       final       oversize, malformed, stale or another call's context
├── UnknownHandoff       final       nobody stored it, or its time to live has passed
├── UnknownCall          final       the same, for a call
├── StillLive            final       a call that has not ended cannot be forgotten
├── PeerUnreachable      retryable   the taker's service did not answer before the deadline
├── StoreUnavailable     retryable   Redis did not answer
└── WireMismatch         final       the peer speaks a contract that we do not know

Answers ("no, I am full") are values, in outcome.py; these are faults. No message ever holds a caller's words.
"""


class HandoffError(Exception):
    """Base of every fault in this package. ``retryable`` says whether the same call may succeed later."""

    retryable = False


class FloorLost(HandoffError):
    """The caller of this method no longer holds the floor of that call."""


class IllegalMove(HandoffError):
    """A handoff was asked to go where its state has no arrow to."""


class InvalidContext(HandoffError):
    """A context that may not cross: too large, malformed, stale, or of another call."""


class UnknownHandoff(HandoffError):
    """No handoff of that id is stored (never was, or its time to live has passed)."""


class UnknownCall(HandoffError):
    """No call of that id is stored (never was, or its time to live has passed)."""


class StillLive(HandoffError):
    """The call has not ended: nothing of it may be removed."""


class PeerUnreachable(HandoffError):
    """The other service did not answer in time, or its connection failed."""

    retryable = True


class StoreUnavailable(HandoffError):
    """The store (Redis) did not answer."""

    retryable = True


class WireMismatch(HandoffError):
    """A message of the other side cannot be read by this version of the contract."""
