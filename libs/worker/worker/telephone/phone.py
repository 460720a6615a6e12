"""Callers who come by telephone: how they are known, and that their number stays their own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from livekit.protocol import models

KEYPAD = "your keypad"
"""The value of ``{keypad}`` in prompts and playbooks when the caller is on the telephone; it has none otherwise."""
_NUMBER = re.compile(r"(?:(?<!call-_)\+|(?<=sip_))\d{5,15}(?=\d{2}(?!\d))")
"""As numbers stand in the identities that LiveKit's SIP bridge gives: ``sip_+15550100001``. The one in a room's name is ours, which was
called (`gateway/phone/desired.py`); the room is the call's id and must be the same everywhere."""


def is_on_the_phone(kind: int, attributes: Mapping[str, str]) -> bool:
    """Whether a participant is a telephone: by his kind, or by the attributes that a SIP bridge gives him."""
    return kind == models.ParticipantInfo.SIP or any(name.startswith("sip.") for name in attributes)


def masked(text: str) -> str:
    """``text`` with the last two digits left of each calling number in it: ``sip_+15550100001`` becomes ``sip_***01``."""
    return _NUMBER.sub("***", text)
