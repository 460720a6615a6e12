"""Dataclass <-> JSON text, for what a store keeps. Strict both ways; no pickle; standard library only.

Reading ignores fields it does not know and fills missing ones from their defaults, so that two releases can share a store.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from handoff.call import Call
from handoff.context import MAX_BYTES, HandoffContext, check_context
from handoff.errors import InvalidContext, WireMismatch
from handoff.ledger import CallbackTicket, DueCallback
from handoff.lifecycle import State
from handoff.store import Handoff, WorkerStatus

T = TypeVar("T")

MAX_CALL_BYTES = 1024 * 1024
"""Largest checkpoint. An hour of talk is about 200 kB; more than this is a fault of the writer."""
MAX_ID_CHARS = 200
MAX_TICKET_BYTES = 4096
MAX_WORKER_BYTES = 2048
MAX_PRIORITY = 1000
_NORMALISED = re.compile(r"[a-zA-Z0-9 :.,'+-]{0,60}")
"""``tomorrow morning``, ``2026-03-04 10:00``: too short and too plain for what a caller says in his own words."""
_CALLABLE = re.compile(r"(?:\+?\d{7,15})?")
"""A telephone number of a caller's, or none; the shortest have seven digits, E.164's longest fifteen."""
MAX_DETAIL_CHARS = 500
"""An ending's detail is cut to this: a call must always be able to end."""


class _Malformed(Exception):
    """Carries the path of the bad field, never its value: values may be a caller's words."""


def pack_call(call: Call) -> str:
    """The checkpoint as JSON. Raises InvalidContext when it is malformed or above MAX_CALL_BYTES.

    What the store itself keeps (services, ending) is left out: see ``Store.checkpoint``.
    """
    _check_id(call.call_id, "call_id")
    kept_apart = replace(call, services=(), handoff_ids=(), ending=None, ending_detail="", ended_at=None)
    return _encode(kept_apart, limit_bytes=MAX_CALL_BYTES)


def pack_handoff(handoff: Handoff, *, now: float) -> str:
    """The context of a new offer as JSON. Raises InvalidContext unless the handoff is a sound, fresh offer."""
    context = handoff.context
    if handoff.state is not State.OFFERED:
        raise InvalidContext(f"a new handoff starts as {State.OFFERED}, not as {handoff.state}")
    for name in ("from_service", "to_service"):
        _check_id(getattr(handoff, name), name)
    text = _encode(context, limit_bytes=MAX_BYTES)
    check_context(context, call_id=context.call_id, now=now)
    return text


def check_restored(call: Call, *, epoch: int) -> str:
    """The checkpoint as JSON. Raises InvalidContext unless it is a living call's, under an epoch that was once given."""
    if epoch < 1:
        raise InvalidContext("a call is restored under the epoch of its owner, from 1 on")
    if call.ending is not None:
        raise InvalidContext("a call that has ended is not restored")
    return pack_call(call)


def check_ticket(ticket: CallbackTicket) -> str:
    """The ticket as JSON. Raises InvalidContext when it is malformed; the message quotes none of it."""
    for name in ("ticket_id", "call_id", "service"):
        _check_id(getattr(ticket, name), name)
    text = _encode(ticket, limit_bytes=MAX_TICKET_BYTES)
    if not _NORMALISED.fullmatch(ticket.wished_at):
        raise InvalidContext("wished_at must be empty or a few normalised words")
    _check_number(ticket.number)
    if len(ticket.reason) > MAX_ID_CHARS or not ticket.reason.isprintable():
        raise InvalidContext(f"reason must be one line of at most {MAX_ID_CHARS} characters")
    return text


def check_due(due: DueCallback) -> None:
    """Raises InvalidContext when it is malformed; the message quotes none of it."""
    for name in ("ticket_id", "call_id", "service"):
        _check_id(getattr(due, name), name)
    for name in ("channel", "reason"):
        if len(getattr(due, name)) > MAX_DETAIL_CHARS:
            raise InvalidContext(f"{name} must be at most {MAX_DETAIL_CHARS} characters")
    _check_number(due.number)


def _check_number(number: str) -> None:
    if not _CALLABLE.fullmatch(number):
        raise InvalidContext("number must be empty or 7 to 15 digits, with or without a +")


def check_worker(status: WorkerStatus) -> str:
    """The status as JSON. Raises InvalidContext when it is malformed."""
    for name in ("worker_id", "service"):
        _check_id(getattr(status, name), name)
    return _encode(status, limit_bytes=MAX_WORKER_BYTES)


def check_priority(priority: int) -> None:
    """Raises ValueError when a line could not be kept in order by it."""
    if not -MAX_PRIORITY <= priority <= MAX_PRIORITY:
        raise ValueError(f"priority must lie between {-MAX_PRIORITY} and {MAX_PRIORITY}")


def check_breaker(state: Mapping[str, str]) -> None:
    """Raises ValueError unless the state of a breaker is a few short texts."""
    if not all(isinstance(text, str) and len(text) <= MAX_ID_CHARS for pair in state.items() for text in pair):
        raise ValueError(f"a breaker's state is texts of at most {MAX_ID_CHARS} characters")


def unpack_ticket(text: str) -> CallbackTicket:
    """Raises WireMismatch when the stored text is not a ticket as this release knows it."""
    return _decode(CallbackTicket, text)


def unpack_worker(text: str) -> WorkerStatus:
    """Raises WireMismatch when the stored text is not a worker's status as this release knows it."""
    return _decode(WorkerStatus, text)


def unpack_call(text: str) -> Call:
    """Raises WireMismatch when the stored text is not a call as this release knows it."""
    return _decode(Call, text)


def unpack_context(text: str) -> HandoffContext:
    """Raises WireMismatch when the stored text is not a context as this release knows it."""
    return _decode(HandoffContext, text)


def _check_id(value: object, name: str) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_ID_CHARS:
        raise InvalidContext(f"{name} must be 1 to {MAX_ID_CHARS} characters")


def _encode(value: Any, *, limit_bytes: int) -> str:
    kind = type(value)
    try:
        # Not asdict, which copies everything once more: a checkpoint is written at each turn.
        text = json.dumps(value, default=_members, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
        _build(kind, json.loads(text), kind.__name__)
    except _Malformed as error:
        raise InvalidContext(f"malformed: {error}") from None
    except (TypeError, ValueError, RecursionError):
        # The original message may quote the text: leave it behind.
        raise InvalidContext(f"{kind.__name__} holds something that is not JSON") from None
    if size > limit_bytes:
        raise InvalidContext(f"{kind.__name__} of {size} bytes is above the limit of {limit_bytes}")
    return text


def _members(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


@lru_cache(maxsize=64)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))  # a TypeError for what is no dataclass


def _decode(kind: type[T], text: str) -> T:
    try:
        return typing.cast(T, _build(kind, json.loads(text), kind.__name__))
    except _Malformed as error:
        raise WireMismatch(f"stored record not understood: {error}") from None
    except (TypeError, ValueError, RecursionError):
        raise WireMismatch(f"stored {kind.__name__} is not JSON") from None


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, raw: Any, path: str) -> Any:
    """``raw`` (from JSON) as a value of the annotated ``kind``."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return None if raw is None else _build(_without_none(kind), raw, path)
    if origin is tuple:
        return _build_tuple(typing.get_args(kind)[0], raw, path)
    if is_dataclass(kind):
        return _build_dataclass(kind, raw, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _build_enum(kind, raw, path)
    return _build_plain(kind, raw, path)


def _without_none(kind: Any) -> Any:
    return next(arg for arg in typing.get_args(kind) if arg is not type(None))


def _build_tuple(item: Any, raw: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        raise _Malformed(f"{path} is not a list")
    return tuple(_build(item, each, f"{path}[{index}]") for index, each in enumerate(raw))


def _build_dataclass(kind: Any, raw: Any, path: str) -> Any:
    if not isinstance(raw, dict):
        raise _Malformed(f"{path} is not an object")
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in raw:
            values[field.name] = _build(_hints(kind)[field.name], raw[field.name], f"{path}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise _Malformed(f"{path}.{field.name} is missing")
    try:
        return kind(**values)
    except ValueError:
        raise _Malformed(f"{path} breaks a rule of {kind.__name__}") from None


def _build_enum(kind: type[Enum], raw: Any, path: str) -> Enum:
    try:
        return kind(raw)
    except ValueError:
        raise _Malformed(f"{path} is no known {kind.__name__}") from None


def _build_plain(kind: Any, raw: Any, path: str) -> Any:
    # A whole number is a fine float; a bool is neither an int nor a float, whatever Python says.
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, kind) or (kind is not bool and isinstance(raw, bool)):
        raise _Malformed(f"{path} is not a {kind.__name__}")
    return raw
