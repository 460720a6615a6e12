"""What the audit lets pass: licences, packages that are an exception, vulnerabilities that do not concern us. Each exception says why."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ALLOWED = re.compile(
    r"apache|\bmit\b|mit-cmu|\bmit-0\b|bsd|\bisc\b|\bpsf\b|python software foundation|\bpython-2\.0|mpl-2\.0|mozilla public license 2\.0"
    r"|unlicense|\bzlib\b|\b0bsd\b|cc0|public domain|historical permission|hpnd|lgpl|lesser general public|unicode|blueoak|\bpostgresql\b",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"\bagpl|affero|\bsspl|commons clause|busl|business source|proprietary|(?<!l)gpl|(?<!lesser )general public", re.I
)

EXCEPTIONS: Mapping[str, str] = {
    "livekit-local-inference": "LiveKit's own models, in a package of LiveKit's: free to use with livekit-agents, and with nothing else",
    "espeakng-loader": "espeak-ng is GPL-3: only in the embedded speech server of the demo and the tests, a process of its own (ADR 4)",
}
"""By the package's name: why it may be used all the same."""
ACCEPTED: Mapping[str, str] = {}
"""By the vulnerability's id: why it does not concern us, and until when that was looked at."""


def is_refused(licence: str) -> bool:
    """Whether it is one that a package must not have beside another one, unless that is a choice."""
    return not re.search(r"(?i)\s+or\s+", licence) and _NEVER.search(licence) is not None


def is_allowed(licence: str) -> bool:
    """Whether a package under it may be used. Of "one OR another" one is enough; of "one AND another" all count."""
    return any(
        all(_ALLOWED.search(part) and not _NEVER.search(part) for part in re.split(r"(?i)\s+and\s+", choice))
        for choice in re.split(r"(?i)\s+or\s+", re.sub(r"(?i) or later", "", licence).strip("()"))
    )
