"""Every Redis key and channel of the mesh, spelled here and nowhere else.

key                           type     lives                         holds
voicemesh:call:<call id>      hash     call time to live, renewed    the checkpoint, the floor, the ending of one call
voicemesh:handoff:<id>        hash     handoff time to live, fixed   the context that crosses, the state, when it moved
voicemesh:ledger              stream   ledger time to live, renewed  one line for each call that ended
voicemesh:moved:<handoff id>  channel  (no key)                      told after each move of a handoff

The floor lies in the call's own hash, so that it can neither outlive the call nor be forgotten before it: an epoch that
started again at 1 would let an overtaken agent write.
"""

_PREFIX = "voicemesh"

LEDGER = f"{_PREFIX}:ledger"


def call(call_id: str) -> str:
    """Key of a call's hash."""
    return f"{_PREFIX}:call:{call_id}"


def handoff(handoff_id: str) -> str:
    """Key of a handoff's hash."""
    return f"{_PREFIX}:handoff:{handoff_id}"


def moved(handoff_id: str) -> str:
    """Channel that is told when a handoff has moved."""
    return f"{_PREFIX}:moved:{handoff_id}"
