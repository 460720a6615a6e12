"""A sealed context opens once, for what it was sealed for, and for nobody else: each attack is refused with its reason."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from typing import Any

import pytest
from handoff.context import MAX_BYTES, HandoffContext
from handoff.errors import InvalidContext
from handoff.seal import MAX_SEALED_CHARS, SEALED_SECONDS, Binding, Refusal, Seal, SealRefused
from handoff.testing import START, make_call, make_context, make_turn

OLD = "an-old-secret-of-the-whole-mesh-0001"
NEW = "a-new-secret-of-the-whole-mesh-00002"
EXPECTED = Binding("call-1", "handoff-1", "billing", 1)


def sealed(seal: Seal | None = None, context: HandoffContext | None = None) -> str:
    return (seal or Seal(NEW)).seal(context or make_context(), to_service="billing", giver_id="triage-1", now=START)


def why_not(text: str, *, seal: Seal | None = None, expected: Binding = EXPECTED, now: float = START) -> Refusal:
    with pytest.raises(SealRefused) as refused:
        (seal or Seal(NEW)).open(text, expected=expected, now=now)
    return refused.value.reason


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def with_header(text: str, **changes: Any) -> str:
    header, hidden = text.split(".")
    return f"{encoded(json.dumps(json.loads(decoded(header)) | changes).encode())}.{hidden}"


# --- the way there ----------------------------------------------------------------------------------------------------
def test_what_was_sealed_comes_out_with_who_sealed_it() -> None:
    opened = Seal(NEW).open(sealed(), expected=EXPECTED, now=START)
    assert (opened.context, opened.giver_id) == (make_context(), "triage-1")


def test_nothing_of_the_conversation_can_be_read_on_the_way() -> None:
    text = sealed()
    seen = "".join(decoded(part).decode("latin-1") for part in text.split("."))
    assert not re.search("AC4721|charged|invoice|caller-1", seen)


def test_the_same_context_never_looks_the_same() -> None:
    assert sealed() != sealed()


def test_a_full_context_of_ordinary_talk_fits_into_a_dispatch() -> None:
    talk = "I was charged twice for my March invoice and I would like to have one of them back, please. " * 4
    call = make_call(turns=tuple(make_turn(f"{n} {talk}") for n in range(10)), services=("triage",))
    assert len(sealed(context=make_context(call=call))) < MAX_SEALED_CHARS / 4


# --- attacks ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(EXPECTED, call_id="call-2"), Refusal.OTHER_CALL),
        (replace(EXPECTED, handoff_id="handoff-2"), Refusal.OTHER_HANDOFF),
        (replace(EXPECTED, to_service="sales"), Refusal.OTHER_SERVICE),
        (replace(EXPECTED, epoch=2), Refusal.OTHER_EPOCH),
    ],
)
def test_it_opens_nowhere_else(other: Binding, reason: Refusal) -> None:
    assert why_not(sealed(), expected=other) is reason


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"call": "call-2"}, replace(EXPECTED, call_id="call-2")),
        ({"handoff": "handoff-2"}, replace(EXPECTED, handoff_id="handoff-2")),
        ({"to": "sales"}, replace(EXPECTED, to_service="sales")),
        ({"epoch": 2}, replace(EXPECTED, epoch=2)),
        ({"until": START + 1e6}, EXPECTED),
        ({"giver": "mallory"}, EXPECTED),
        ({"more": "than before"}, EXPECTED),
    ],
)
def test_a_label_that_was_changed_to_fit_is_tampering(changes: dict[str, Any], other: Binding) -> None:
    assert why_not(with_header(sealed(), **changes), expected=other) is Refusal.TAMPERED


def test_a_single_bit_changed_anywhere_in_it_is_refused() -> None:
    header, hidden = sealed().split(".")
    raw = decoded(hidden)
    for at in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[at] ^= 1
        assert why_not(f"{header}.{encoded(bytes(changed))}") is Refusal.TAMPERED


def test_the_label_of_one_does_not_fit_the_content_of_another() -> None:
    mine, other = sealed(), sealed(context=make_context(call=make_call("call-2", services=("triage",))))
    assert why_not(f"{mine.split('.')[0]}.{other.split('.')[1]}") is Refusal.TAMPERED


def test_it_opens_once() -> None:
    seal, text = Seal(NEW), sealed()
    seal.open(text, expected=EXPECTED, now=START)
    assert why_not(text, seal=seal) is Refusal.OPENED_BEFORE


def test_another_sealed_context_of_the_same_handoff_does_not_open_after_it() -> None:
    seal = Seal(NEW)
    seal.open(sealed(), expected=EXPECTED, now=START)
    assert why_not(sealed(), seal=seal) is Refusal.OPENED_BEFORE


def test_an_attack_does_not_use_up_the_one_opening() -> None:
    seal, text = Seal(NEW), sealed()
    assert why_not(text, seal=seal, expected=replace(EXPECTED, call_id="call-2")) is Refusal.OTHER_CALL
    assert why_not(with_header(text, giver="mallory"), seal=seal) is Refusal.TAMPERED
    assert seal.open(text, expected=EXPECTED, now=START).giver_id == "triage-1"


def test_what_was_opened_is_remembered_no_longer_than_it_could_open_again() -> None:
    seal = Seal(NEW)
    seal.open(sealed(), expected=EXPECTED, now=START)
    later = START + SEALED_SECONDS + 1
    another = seal.seal(make_context("handoff-2", now=later), to_service="billing", giver_id="triage-1", now=later)
    seal.open(another, expected=replace(EXPECTED, handoff_id="handoff-2"), now=later)
    assert list(seal._opened) == ["handoff-2"]


@pytest.mark.parametrize(("passed", "opens"), [(SEALED_SECONDS - 0.001, True), (SEALED_SECONDS, False)])
def test_it_expires(passed: float, opens: bool) -> None:
    if opens:
        assert Seal(NEW).open(sealed(), expected=EXPECTED, now=START + passed)
    else:
        assert why_not(sealed(), now=START + passed) is Refusal.EXPIRED


def test_it_does_not_outlive_its_context() -> None:
    short = make_context(expires_at=START + 5)
    assert why_not(sealed(context=short), now=START + 5) is Refusal.EXPIRED


def test_a_stale_context_is_not_sealed() -> None:
    with pytest.raises(InvalidContext, match="stale"):
        sealed(context=make_context(expires_at=START - 1, created_at=START - 2))


# --- keys -------------------------------------------------------------------------------------------------------------
def test_another_mesh_cannot_open_it() -> None:
    assert why_not(sealed(Seal(OLD))) is Refusal.WRONG_KEY


def test_while_keys_are_changed_both_open_and_the_newest_seals() -> None:
    both = Seal.of(f"{NEW}, {OLD}")
    assert both.open(sealed(Seal(OLD)), expected=EXPECTED, now=START)
    assert Seal(NEW).open(sealed(both), expected=EXPECTED, now=START)
    assert why_not(sealed(both), seal=Seal(OLD)) is Refusal.WRONG_KEY


def test_a_key_named_as_another_one_is_tampering() -> None:
    both = Seal(NEW, OLD)
    name_of_old = json.loads(decoded(sealed(Seal(OLD)).split(".")[0]))["key"]
    assert why_not(with_header(sealed(), key=name_of_old), seal=both) is Refusal.TAMPERED


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    none = Seal.of("")
    assert not none.has_key
    assert why_not(sealed(), seal=none) is Refusal.NO_KEY
    with pytest.raises(SealRefused) as refused:
        sealed(none)
    assert refused.value.reason is Refusal.NO_KEY


def test_a_secret_that_can_be_guessed_is_no_secret() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Seal.of(f"{NEW},secret")


# --- size and form ----------------------------------------------------------------------------------------------------
def test_what_is_too_large_for_a_dispatch_is_not_sealed() -> None:
    plain = make_context(call=make_call(turns=tuple(make_turn(str(n)) for n in range(10)), services=("triage",)))
    large = replace(plain, turns=tuple(replace(turn, text=_unpackable(n)) for n, turn in enumerate(plain.turns)))
    with pytest.raises(SealRefused) as refused:
        sealed(context=large)
    assert refused.value.reason is Refusal.OVERSIZE


def _unpackable(seed: int) -> str:
    """Text that no packer makes smaller: 4000 characters of 21 bits each."""
    state, out = seed + 1, []
    for _ in range(4000):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(chr(0x20000 + (state >> 40) % 0xA000))
    return "".join(out)


def test_what_is_too_large_is_not_looked_at() -> None:
    assert why_not("A" * (MAX_SEALED_CHARS + 1)) is Refusal.OVERSIZE


def test_even_a_holder_of_the_key_cannot_make_us_unpack_without_end() -> None:
    seal = Seal(NEW)
    (key,) = seal._keys.values()
    header = decoded(sealed(seal).split(".")[0])
    bomb = zlib.compress(b" " * (100 * MAX_BYTES))
    text = f"{encoded(header)}.{encoded(bytes(12) + key.encrypt(bytes(12), bomb, header))}"
    assert why_not(text) is Refusal.OVERSIZE


@pytest.mark.parametrize(
    "text",
    ["", ".", "no dot", "a.b.c", "ü.ü", "e30.AAAA", encoded(b"[]") + ".AAAA", encoded(b'{"v":2}') + ".AAAA", "!.!"],
)
def test_what_is_no_sealed_context_is_malformed(text: str) -> None:
    assert why_not(text) is Refusal.MALFORMED


def test_a_content_without_a_nonce_is_tampering() -> None:
    assert why_not(f"{sealed().split('.')[0]}.AAAA") is Refusal.TAMPERED


def test_a_refusal_quotes_nobody() -> None:
    with pytest.raises(SealRefused) as refused:
        Seal(NEW).open(with_header(sealed(), to="sales"), expected=EXPECTED, now=START)
    assert str(refused.value) == "the sealed context is refused: tampered"
