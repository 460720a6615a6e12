"""The human desk, as the protocol sees it: a name that a handoff may go to, and what it may be told.

A human is no service: nobody dispatches one, and none answers an offer over gRPC. So the desk does not stand in the directory. A
human holds the floor as an agent does, by an epoch and a lease, which the gateway renews while the human's page lives.
"""

from __future__ import annotations

from handoff.context import SECRET
from handoff.directory import DIRECTORY, LAST_RESORT, Entry

DESK = "human"
"""Where a handoff to a human goes, whose line it is that waits for one, and how his identity in the room begins."""
ENTRY = Entry(DESK, "colleague", frozenset(), DIRECTORY[LAST_RESORT].receives - SECRET)
"""All that customer care may be told, without the proof that only a back office reads: a human has none to show it to."""
LEASE_SECONDS = 10.0
"""How long a human keeps the floor without a sign of his page: five heartbeats."""
ON_DUTY_SECONDS = 10.0
"""How long a human counts as on duty without one."""
