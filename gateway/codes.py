"""What may be shown of a record to those who may not read: codes of our own (services, agents, outcomes), never a sentence.

The record's contract says which fields hold no caller's words; this holds also when one of them does after all.
"""

from __future__ import annotations

import re

HIDDEN = "•••"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}")
_SUCCESSOR = re.compile(r"-r\d+-")
"""Of the identity that a guardian gives to whom it sends: see handoff.guardian.successor."""


def code_of(text: str) -> str:
    """The text when it is one word of letters, digits and ``_.:-``; otherwise that there is something."""
    return text if not text or _CODE.fullmatch(text) else HIDDEN


def is_successor(agent_id: str) -> bool:
    """Whether the agent was sent to go on with a call whose agent was lost."""
    return _SUCCESSOR.search(agent_id) is not None
