"""An effect happens once per call and key, however often it is asked for: by a model that stammers, or a reply that was lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from backoffice.database import hold
from backoffice.office import Refused
from backoffice.rows import Effect

IdempotencyKey = Annotated[
    str, Field(description="a text of your own for this one effect; the same text when you repeat the call")
]
MAX_KEY_CHARS = 200


def once(
    session: Session,
    *,
    call_id: str,
    key: str,
    tool: str,
    arguments: Mapping[str, Any],
    work: Callable[[], dict[str, Any]],
    still_holds: Callable[[], bool] = lambda: True,
) -> dict[str, Any]:
    """What ``work`` returns, with ``already_done``: done now (false), or found as it was done before (true).

    Call inside ``database.writing()``: the effect and its record are one transaction. ``arguments`` are those that make the
    effect (as read, without the key); the same key with others raises Refused. When ``work`` raises, nothing is recorded.

    ``still_holds`` is for an effect that a later one of the same call may undo, as a booking that is moved: asked for again when it
    no longer holds, it is done anew.
    """
    if not key.strip() or len(key) > MAX_KEY_CHARS:
        raise Refused("This needs an idempotency key.")
    hold(session, "effect", call_id, key)
    digest = hashlib.sha256(json.dumps([tool, dict(arguments)], sort_keys=True, default=str).encode()).hexdigest()
    before = session.get(Effect, (call_id, key))
    if before is not None:
        if before.arguments_hash != digest:
            raise Refused("That idempotency key was used for something else.")
        if still_holds():
            stored: dict[str, Any] = json.loads(before.result)
            return stored | {"already_done": True}
    result = work()
    effect = before or Effect(call_id=call_id, idempotency_key=key, tool=tool, arguments_hash=digest)
    effect.result, effect.done_at = json.dumps(result), datetime.now(UTC).replace(tzinfo=None)
    session.add(effect)
    session.flush()
    return {"already_done": False} | result
