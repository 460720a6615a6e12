"""An effect happens once per call and key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from backoffice.database import Database
from backoffice.idempotency import once
from backoffice.office import Refused
from backoffice.rows import Effect
from backoffice.testing import Call
from sqlalchemy import func, select


class Counter:
    """Counts how often the work was done."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> dict[str, Any]:
        self.count += 1
        return {"reference": f"R-{self.count}"}


def do(database: Database, work: Any, **changes: Any) -> dict[str, Any]:
    arguments = {"call_id": "call-1", "key": "k", "tool": "send", "arguments": {"amount": 1}} | changes
    with database.writing() as session:
        return once(session, work=work, **arguments)


def test_the_same_key_gives_the_same_result(database: Database) -> None:
    work = Counter()
    assert do(database, work) == {"reference": "R-1", "already_done": False}
    assert do(database, work) == {"reference": "R-1", "already_done": True}
    assert work.count == 1


def test_another_key_or_another_call_does_it_again(database: Database) -> None:
    work = Counter()
    for changes in ({}, {"key": "other"}, {"call_id": "call-2"}):
        assert do(database, work, **changes)["already_done"] is False
    assert work.count == 3


@pytest.mark.parametrize("changes", [{"arguments": {"amount": 2}}, {"tool": "other"}, {"arguments": {}}])
def test_the_same_key_for_something_else_is_refused(database: Database, changes: dict[str, Any]) -> None:
    do(database, Counter())
    with pytest.raises(Refused, match="used for something else"):
        do(database, Counter(), **changes)


@pytest.mark.parametrize("key", ["", " ", "k" * 201])
def test_a_key_must_be_one(database: Database, key: str) -> None:
    with pytest.raises(Refused, match="idempotency key"):
        do(database, Counter(), key=key)


def test_what_failed_is_not_remembered(database: Database) -> None:
    def fails() -> dict[str, Any]:
        raise Refused("No.")

    with pytest.raises(Refused):
        do(database, fails)
    assert do(database, Counter())["already_done"] is False


def test_the_work_may_say_that_it_was_done_long_ago(database: Database) -> None:
    assert do(database, lambda: {"already_done": True})["already_done"] is True


def test_what_was_undone_since_is_done_again_and_then_found(database: Database) -> None:
    work, holds = Counter(), False
    do(database, work)
    assert do(database, work, still_holds=lambda: holds) == {"reference": "R-2", "already_done": False}
    holds = True
    assert do(database, work, still_holds=lambda: holds) == {"reference": "R-2", "already_done": True}
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Effect)) == 1


def test_what_was_undone_since_and_cannot_be_done_again_leaves_the_record(database: Database) -> None:
    def fails() -> dict[str, Any]:
        raise Refused("No.")

    do(database, Counter())
    with pytest.raises(Refused):
        do(database, fails, still_holds=lambda: False)
    assert do(database, Counter()) == {"reference": "R-1", "already_done": True}


def test_many_at_once_do_it_once(call: Call, database: Database) -> None:
    verified = call.verified("AC4721")

    def send(_: int) -> tuple[bool, Any]:
        return verified("send_parcel", account_id="AC4721", parcel_id="P-AC4721", idempotency_key="k")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert [failed for failed, _ in answers] == [False] * 8
    assert [answer["already_done"] for _, answer in answers].count(False) == 1
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Effect)) == 1


def test_a_replay_in_another_call_is_a_new_request_and_refused_by_the_office_itself(call: Call) -> None:
    arguments = {"account_id": "AC4721", "parcel_id": "P-AC4721", "idempotency_key": "k"}
    assert not call.verified("AC4721")("send_parcel", **arguments)[0]
    assert call.on("call-2").verified("AC4721")("send_parcel", **arguments) == (True, "That parcel was already sent.")


def test_nobody_learns_a_result_by_its_key_alone(call: Call) -> None:
    arguments = {"account_id": "AC4721", "parcel_id": "P-AC4721", "idempotency_key": "k"}
    call.verified("AC4721")("send_parcel", **arguments)
    failed, answer = call.verified("AC1058")("send_parcel", **arguments | {"account_id": "AC1058"})
    assert (failed, answer) == (True, "That idempotency key was used for something else.")
