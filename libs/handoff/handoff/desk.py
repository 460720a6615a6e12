"""The human desk, as the protocol sees it: a name that a handoff may go to, and what it may be told.

A human is no service: nobody dispatches one, and none answers an offer over gRPC. So the desk does not stand in the directory. A
human holds the floor as an agent does, by an epoch and a lease, which the gateway renews while the human's page lives, and the
switchboard of one who has a telephone instead.
"""

from __future__ import annotations

import secrets

from handoff.context import SECRET
from handoff.directory import DIRECTORY, LAST_RESORT, Entry

DESK = "human"
"""Where a handoff to a human goes, whose line it is that waits for one, and how his identity in the room begins."""
TELEPHONE = "telephone"
"""Whose line it is that waits for a human who is called by telephone. He too is a DESK to the protocol."""
ENTRY = Entry(DESK, "colleague", frozenset(), DIRECTORY[LAST_RESORT].receives - SECRET)
"""All that customer care may be told, without the proof that only a back office reads: a human has none to show it to."""
LEASE_SECONDS = 10.0
"""How long a human keeps the floor without a sign of his page: five heartbeats."""
ON_DUTY_SECONDS = 10.0
"""How long a human counts as on duty without one."""


def new_human_id() -> str:
    """His identity in a room, new for each call that he takes or is called for."""
    return f"{DESK}-{secrets.token_hex(6)}"


def is_human(agent_id: str) -> bool:
    """Whether one of ours in a room, by his identity there, is a human."""
    return agent_id.startswith(f"{DESK}-")
