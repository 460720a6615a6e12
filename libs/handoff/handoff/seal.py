"""A HandoffContext sealed for a way on which no store keeps it: inside a dispatch, while Redis is away.

Form: ``base64url(header) "." base64url(nonce, ciphertext)``. The header is JSON, readable and authenticated: who sealed it, for which
call, handoff, service and epoch, until when. The context behind it is compressed and encrypted (AES-256-GCM, the header as its
associated data). A key is a secret of the whole mesh; there may be two for a while: the newest seals, both open.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from handoff.context import MAX_BYTES, HandoffContext, check_context
from handoff.errors import InvalidContext, WireMismatch
from handoff.lifecycle import State
from handoff.record import pack_handoff, unpack_context
from handoff.store import Handoff

MAX_SEALED_CHARS = 60_000
"""Longest sealed text. A dispatch carries 65,536 bytes of attributes (measured on livekit-server 1.13.5), and others want some."""
SEALED_SECONDS = 60.0
"""How long a sealed context opens: dispatch, join and floor take less than ten seconds."""
MIN_SECRET_CHARS = 32
"""A shorter secret can be guessed. ``openssl rand -base64 32`` makes one of 44."""
_VERSION = 1
_NONCE_BYTES = 12


class Refusal(StrEnum):
    """Why a sealed context is not opened, or not sealed."""

    NO_KEY = "no_key"
    OVERSIZE = "oversize"
    MALFORMED = "malformed"
    WRONG_KEY = "wrong_key"
    TAMPERED = "tampered"
    EXPIRED = "expired"
    OTHER_CALL = "other_call"
    OTHER_HANDOFF = "other_handoff"
    OTHER_SERVICE = "other_service"
    OTHER_EPOCH = "other_epoch"
    OPENED_BEFORE = "opened_before"


class SealRefused(InvalidContext):
    """Not opened, or not sealed. ``reason`` says why; the message never quotes what was sealed."""

    def __init__(self, reason: Refusal) -> None:
        self.reason = reason
        super().__init__(f"the sealed context is refused: {reason}")


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sealed context is for; opened anywhere else, it is refused."""

    call_id: str
    handoff_id: str
    to_service: str
    epoch: int
    """The giver's epoch."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed, and by whom (``giver_id``: the giver's identity in the room; authenticated)."""

    context: HandoffContext
    giver_id: str


class Seal:
    """Seals and opens. One per process: it opens each handoff once.

    ``secrets``: the mesh's common ones, newest first; the first seals, every one of them opens. Raises ValueError for a secret
    shorter than MIN_SECRET_CHARS.
    """

    def __init__(self, *secrets: str) -> None:
        if any(len(secret) < MIN_SECRET_CHARS for secret in secrets):
            raise ValueError(f"a secret for sealed handoffs needs at least {MIN_SECRET_CHARS} characters")
        self._keys = {_derived(s, b"id", 4).hex(): AESGCM(_derived(s, b"key", 32)) for s in secrets}
        self._opened: dict[str, float] = {}

    @classmethod
    def of(cls, setting: str) -> Self:
        """From a setting: secrets separated by commas, newest first; empty for none. Raises ValueError."""
        return cls(*filter(None, (secret.strip() for secret in setting.split(","))))

    @property
    def has_key(self) -> bool:
        """Whether anything can be sealed or opened."""
        return bool(self._keys)

    def seal(self, context: HandoffContext, *, to_service: str, giver_id: str, now: float) -> str:
        """``context`` for ``to_service``'s agent alone, until SEALED_SECONDS after ``now`` (any clock that the taker shares).

        Raises SealRefused (no key, oversize), InvalidContext when the context itself may not cross.
        """
        if not self._keys:
            raise SealRefused(Refusal.NO_KEY)
        text = pack_handoff(Handoff(context, context.services[-1], to_service, State.OFFERED), now=now)
        key_id, key = next(iter(self._keys.items()))
        header = json.dumps(
            {
                "v": _VERSION,
                "key": key_id,
                "call": context.call_id,
                "handoff": context.handoff_id,
                "to": to_service,
                "epoch": context.epoch,
                "giver": giver_id,
                "until": round(min(context.expires_at, now + SEALED_SECONDS), 3),
            }
        ).encode()
        nonce = os.urandom(_NONCE_BYTES)
        hidden = key.encrypt(nonce, zlib.compress(text.encode()), header)
        sealed = f"{_text(header)}.{_text(nonce + hidden)}"
        if len(sealed) > MAX_SEALED_CHARS:
            raise SealRefused(Refusal.OVERSIZE)
        return sealed

    def open(self, sealed: str, *, expected: Binding, now: float) -> Opened:
        """The context, once, and only for what it was sealed for. Raises SealRefused.

        Nothing of it is believed before it is authenticated: a header that was changed to fit is TAMPERED.
        """
        header, text = self._authenticated(sealed)
        found = Binding(header["call"], header["handoff"], header["to"], header["epoch"])
        if found != expected:
            raise SealRefused(_difference(found, expected))
        if now >= header["until"]:
            raise SealRefused(Refusal.EXPIRED)
        self._once(expected.handoff_id, now=now, until=header["until"])
        try:
            context = unpack_context(text)
            check_context(context, call_id=expected.call_id, now=now)
        except (InvalidContext, WireMismatch):
            raise SealRefused(Refusal.MALFORMED) from None
        if (context.handoff_id, context.epoch) != (expected.handoff_id, expected.epoch):
            raise SealRefused(Refusal.MALFORMED)
        return Opened(context, header["giver"])

    def _authenticated(self, sealed: str) -> tuple[dict[str, Any], str]:
        """The header and the context's text, as a holder of one of our keys wrote them."""
        if not self._keys:
            raise SealRefused(Refusal.NO_KEY)
        if len(sealed) > MAX_SEALED_CHARS:
            raise SealRefused(Refusal.OVERSIZE)
        raw, hidden = _parts(sealed)
        header = _header(raw)
        key = self._keys.get(header["key"])
        if key is None:
            raise SealRefused(Refusal.WRONG_KEY)
        try:
            packed = key.decrypt(hidden[:_NONCE_BYTES], hidden[_NONCE_BYTES:], raw)
        except (InvalidTag, ValueError):  # ValueError: too short to be a nonce and a tag
            raise SealRefused(Refusal.TAMPERED) from None
        return header, _unpacked(packed)

    def _once(self, handoff_id: str, *, now: float, until: float) -> None:
        self._opened = {known: ends for known, ends in self._opened.items() if ends > now}
        if handoff_id in self._opened:
            raise SealRefused(Refusal.OPENED_BEFORE)
        self._opened[handoff_id] = until


def _derived(secret: str, purpose: bytes, length: int) -> bytes:
    """A key's id is derived apart from the key, so that the id tells nothing of it."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=b"voicemesh seal v1 " + purpose).derive(
        secret.encode()
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _parts(sealed: str) -> tuple[bytes, bytes]:
    try:
        header, dot, hidden = sealed.encode("ascii").partition(b".")
        if not dot:
            raise ValueError
        return _decoded(header), _decoded(hidden)
    except (ValueError, binascii.Error):
        raise SealRefused(Refusal.MALFORMED) from None


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


_FIELDS: dict[str, type | tuple[type, ...]] = {
    "key": str,
    "call": str,
    "handoff": str,
    "to": str,
    "epoch": int,
    "giver": str,
    "until": (int, float),
}


def _header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw)
        if header["v"] == _VERSION and all(isinstance(header[name], kind) for name, kind in _FIELDS.items()):
            return dict(header)
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise SealRefused(Refusal.MALFORMED)


def _unpacked(packed: bytes) -> str:
    """Bounded: even a holder of the key cannot make us unpack more than a context may have."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_BYTES).decode()
    except (zlib.error, UnicodeDecodeError):
        raise SealRefused(Refusal.MALFORMED) from None
    if not unpacker.eof:
        raise SealRefused(Refusal.OVERSIZE)
    return text


def _difference(found: Binding, expected: Binding) -> Refusal:
    checks: tuple[tuple[Callable[[Binding], object], Refusal], ...] = (
        (lambda b: b.call_id, Refusal.OTHER_CALL),
        (lambda b: b.handoff_id, Refusal.OTHER_HANDOFF),
        (lambda b: b.to_service, Refusal.OTHER_SERVICE),
    )
    return next((why for of, why in checks if of(found) != of(expected)), Refusal.OTHER_EPOCH)
