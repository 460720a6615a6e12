"""The proof of a verified identity: taken out of a tool's answer, kept as a fact of the call, shown to a back office alone.

No model, prompt, log or report ever sees it. A back office checks it; nothing here trusts what it says of itself, except when it
says that it has expired.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FACT = "identity_capability"
"""The fact that holds it; in ``CallAgent.known()`` its value is HELD, never the capability."""
HELD = "verified"
VERIFIES = "verify_identity"
"""The tool of every back office whose answer carries a capability."""
REFUSED = "verify the caller's identity"
"""In the sentence with which a back office refuses a capability: expired, of another call, or of another account."""
_MARGIN_SECONDS = 30.0
"""It must still be good when the tool that is called next reads it; clocks of two machines differ a little too."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a back office has verified. Private, ``capability`` most of all."""

    account_id: str
    display_name: str
    capability: str = ""


def taken_out(tool: str, text: str) -> tuple[str, Identity | None]:
    """The answer of ``tool`` without its capability, and the identity that it verified, if it did."""
    try:
        answer = json.loads(text)
    except ValueError:
        return text, None
    if not isinstance(answer, dict):
        return text, None
    identity = identity_in(tool, answer)
    if "capability" not in answer:
        return text, identity
    del answer["capability"]
    return json.dumps(answer, ensure_ascii=False), identity


def identity_in(tool: str, answer: Mapping[str, Any]) -> Identity | None:
    """The identity that ``tool`` verified with this answer."""
    if tool != VERIFIES or answer.get("verified") is not True:
        return None
    account_id, name, token = (answer.get(field) for field in ("account_id", "name", "capability"))
    if not isinstance(account_id, str) or not account_id:
        return None
    return Identity(account_id, name if isinstance(name, str) else "", token if isinstance(token, str) else "")


def is_current(capability: str, *, now: float | None = None) -> bool:
    """Whether it has not expired; one that does not tell when (it is no JWT) is taken to be good. ``now``: seconds since the epoch."""
    payload = capability.split(".")[1] if capability.count(".") == 2 else ""
    try:
        expires_at = float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (ValueError, KeyError, TypeError):
        return bool(capability)
    return expires_at > (time.time() if now is None else now) + _MARGIN_SECONDS
