"""Who may open an account: the pair that verifies, the lock against guessing, and the attacks on the proof."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from backoffice.capability import LIFETIME_SECONDS
from backoffice.database import Database
from backoffice.identity import LOCK_SECONDS, LOCKED, MISMATCH
from backoffice.rows import VerificationFailure
from backoffice.testing import Attack, Call, attack_name, attacks
from sqlalchemy import select, update

SEND = Attack("send_parcel", {"account_id": "AC4721", "parcel_id": "P-AC4721", "idempotency_key": "k"})


def verify(call: Call, account_id: str = "AC4721", postal_code: str = "97209") -> tuple[bool, object]:
    return call("verify_identity", account_id=account_id, postal_code=postal_code)


def test_an_account_that_exists_is_found_and_nothing_else_is_told(call: Call) -> None:
    assert call("find_account", account_id="a c 4721") == (False, {"account_id": "AC4721", "exists": True})


def test_an_account_that_does_not_exist_is_a_plain_sentence(call: Call) -> None:
    assert call("find_account", account_id="AC9999") == (True, "There is no account with that ID.")


@pytest.mark.parametrize("said", ["97209", "nine seven two oh nine", "9 7 2 0 9", "97209-1234"])
def test_the_right_pair_verifies_however_it_is_said(call: Call, said: str) -> None:
    failed, answer = verify(call, "a c four seven two one", said)
    assert not failed
    assert isinstance(answer, dict)
    assert answer.pop("capability").count(".") == 2
    assert answer == {
        "verified": True,
        "account_id": "AC4721",
        "name": "Sarah Chen",
        "first_name": "Sarah",
        "expires_in_seconds": LIFETIME_SECONDS,
    }


def test_what_was_verified_opens_the_account(call: Call) -> None:
    _, answer = verify(call)
    assert isinstance(answer, dict)
    failed, _ = call.holding(answer["capability"])("send_parcel", **SEND.arguments)
    assert not failed


@pytest.mark.parametrize(("account_id", "postal_code"), [("AC4721", "60614"), ("AC9999", "97209")])
def test_a_wrong_pair_does_not_say_which_half_was_wrong(call: Call, account_id: str, postal_code: str) -> None:
    assert verify(call, account_id, postal_code) == (True, MISMATCH)


@pytest.mark.parametrize("said", ["", "soon", "1234", "123456", "97209" * 20_000])
def test_what_is_no_zip_is_no_try(call: Call, said: str) -> None:
    for _ in range(4):
        failed, _sentence = verify(call, postal_code=said)
        assert failed
    assert not verify(call)[0]


def test_three_wrong_tries_lock_the_call_for_every_account(call: Call) -> None:
    for account_id in ("AC1058", "AC2390", "AC9999"):
        assert verify(call, account_id, "11111") == (True, MISMATCH)
    assert verify(call) == (True, LOCKED)
    assert not verify(call.on("call-2"))[0]


def test_three_wrong_tries_lock_the_account_on_every_call(call: Call) -> None:
    for n in range(3):
        assert verify(call.on(f"call-{n}"), postal_code="11111") == (True, MISMATCH)
    assert verify(call.on("call-9")) == (True, LOCKED)
    assert not verify(call.on("call-9"), "AC1058", "60614")[0]


def test_an_account_is_open_again_after_a_quarter_of_an_hour(call: Call, database: Database) -> None:
    for n in range(3):
        verify(call.on(f"call-{n}"), postal_code="11111")
    with database.writing() as session:
        for failure in session.scalars(select(VerificationFailure)):
            failure.failed_at -= timedelta(seconds=LOCK_SECONDS)
    assert not verify(call.on("call-9"))[0]


def test_a_call_stays_locked(call: Call, database: Database) -> None:
    for _ in range(3):
        verify(call, postal_code="11111")
    with database.writing() as session:
        session.execute(update(VerificationFailure).values(failed_at=VerificationFailure.failed_at))
        for failure in session.scalars(select(VerificationFailure)):
            failure.failed_at -= timedelta(seconds=LOCK_SECONDS)
    assert verify(call) == (True, LOCKED)


def test_guesses_at_once_are_counted_one_by_one(call: Call) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: verify(call, postal_code=f"1{n}1{n}1"), range(8)))
    assert [sentence for _, sentence in answers].count(MISMATCH) == 3
    assert [sentence for _, sentence in answers].count(LOCKED) == 5


def test_a_call_by_telephone_is_a_call_like_any_other(call: Call) -> None:
    failed, _ = verify(call.on("call-_+15550100000_Ab3dEf6hJk2m"))
    assert not failed


def test_a_call_without_a_name_cannot_verify_anybody(call: Call) -> None:
    assert verify(call.on("")) == (True, "I can't tell which call this is for.")


@pytest.mark.parametrize(("attack", "target"), attacks([SEND]), ids=attack_name)
def test_it_withstands(call: Call, attack: Callable[[Call, Attack], None], target: Attack) -> None:
    attack(call, target)
