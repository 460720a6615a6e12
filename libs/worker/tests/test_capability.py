"""The proof of an identity: who it is about, when it is over, and that nobody else gets to see it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from worker.agent.capability import Identity, identity_in, is_current, taken_out

VERIFIED = {"verified": True, "account_id": "AC4721", "name": "Sarah Chen", "capability": "a.b.c"}


def token(claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.signature"


def test_it_is_taken_out_of_the_answer_that_brings_it() -> None:
    shown, identity = taken_out("verify_identity", json.dumps(VERIFIED))
    assert "capability" not in json.loads(shown)
    assert identity == Identity("AC4721", "Sarah Chen", "a.b.c")


@pytest.mark.parametrize("text", ["Sorry.", "[]", '"words"', "{", '{"account_id": "AC4721"}'])
def test_any_other_answer_is_left_as_it_is(text: str) -> None:
    assert taken_out("get_account", text) == (text, None)


@pytest.mark.parametrize(
    ("tool", "changes"),
    [
        ("get_account", {}),
        ("verify_identity", {"verified": "true"}),
        ("verify_identity", {"verified": False}),
        ("verify_identity", {"account_id": ""}),
        ("verify_identity", {"account_id": 4721}),
    ],
)
def test_only_a_verification_that_worked_verifies(tool: str, changes: dict[str, Any]) -> None:
    assert identity_in(tool, VERIFIED | changes) is None


def test_it_is_current_until_shortly_before_its_expiry() -> None:
    assert is_current(token({"exp": 1000}), now=960)
    assert not is_current(token({"exp": 1000}), now=980)
    assert not is_current(token({"exp": 1000}), now=1001)


@pytest.mark.parametrize("opaque", ["opaque", "a.b.c", token({}), token([]), token({"exp": "soon"}), "..", "x.%%%.y"])
def test_one_that_does_not_tell_when_it_expires_is_the_back_offices_to_judge(opaque: str) -> None:
    assert is_current(opaque, now=1000)


def test_none_is_not_current() -> None:
    assert not is_current("")
