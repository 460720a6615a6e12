"""The four tools over a real SQLite file: who may be refunded what, and once."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from billing_mcp import tools
from billing_mcp.database import Database
from billing_mcp.rows import Refund
from billing_mcp.settings import Settings
from sqlalchemy import select, text

DUPLICATE = "CH-2026-03-0417-2"


class Office:
    """The tools as an agent calls them: (is_error, JSON or sentence)."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self._server = tools.server(database, settings)

    def __call__(self, name: str, **arguments: Any) -> tuple[bool, Any]:
        result = anyio.run(self._server.call_tool, name, arguments)
        (item,) = result.content
        return bool(result.is_error), item.text if result.is_error else json.loads(item.text)

    def refunds(self) -> list[str]:
        with self.database.reading() as session:
            return list(session.scalars(select(Refund.reference).where(Refund.reference != "RF-20416")))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path}/billing.db")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file to copy: migrating anew for every test takes most of its time."""
    path = tmp_path_factory.mktemp("seeded") / "billing.db"
    database = Database(Settings(database_url=f"sqlite:///{path}"))
    database.prepare()
    database.close()
    return path


@pytest.fixture
def office(settings: Settings, seeded: Path, tmp_path: Path) -> Iterator[Office]:
    shutil.copy(seeded, tmp_path / "billing.db")
    database = Database(settings)
    yield Office(database, settings)
    database.close()


def refund(office: Office, **changes: Any) -> tuple[bool, Any]:
    arguments = {"account_id": "AC4721", "charge_id": DUPLICATE, "amount": "49.99", "idempotency_key": "call-1:refund"}
    return office("process_refund", **(arguments | changes))


def test_an_account_is_found_by_its_id_however_it_is_written(office: Office) -> None:
    failed, account = office("get_account", account_id="a c 4721")
    assert not failed
    assert (account["account_id"], account["name"], account["first_name"]) == ("AC4721", "Sarah Chen", "Sarah")


def test_an_unknown_account_is_a_plain_sentence(office: Office) -> None:
    assert office("get_account", account_id="AC9999") == (True, "There is no account with that ID.")


def test_a_missing_argument_is_a_plain_sentence_that_names_it(office: Office) -> None:
    assert office("get_account") == (True, "The tool needs a valid account_id.")
    assert office("process_refund", account_id="AC4721", charge_id="x") == (
        True,
        "The tool needs a valid amount and idempotency_key.",
    )


def test_recent_invoices_come_newest_first_with_their_charges(office: Office) -> None:
    _, answer = office("get_recent_invoices", account_id="AC4721", limit=2)
    assert [invoice["month"] for invoice in answer["invoices"]] == ["March", "February"]
    assert [charge["amount"] for charge in answer["invoices"][0]["charges"]] == ["49.99", "49.99"]
    assert (answer["latest_month"], answer["latest_total"]) == ("March", "99.98")


@pytest.mark.parametrize(
    "asked", [{"month": "march"}, {"month": "Mar 2026"}, {"invoice_number": "inv 2026 03 0417"}, {}]
)
def test_the_duplicate_charge_is_eligible_by_month_by_number_or_by_itself(
    office: Office, asked: dict[str, str]
) -> None:
    failed, answer = office("check_refund_eligibility", account_id="AC4721", **asked)
    assert not failed
    assert answer["eligible"] is True
    assert (answer["amount"], answer["currency"], answer["charge_id"]) == ("49.99", "USD", DUPLICATE)
    assert answer["invoice_number"] == "INV-2026-03-0417"


@pytest.mark.parametrize(
    ("account_id", "month", "code", "words"),
    [
        ("AC1058", "March", "no_duplicate", "don't see a duplicate charge on your March invoice"),
        ("AC2390", "March", "pending", "still pending"),
        ("AC3344", "March", "already_refunded", "already refunded"),
        ("AC5867", "March", "above_limit", "above what I can refund myself"),
        ("AC4721", "February", "no_duplicate", "February"),
        ("AC4721", "July", "no_invoice", "can't find an invoice"),
        ("AC4721", "March 2019", "no_invoice", "can't find an invoice"),
    ],
)
def test_what_is_not_eligible_says_why(office: Office, account_id: str, month: str, code: str, words: str) -> None:
    failed, answer = office("check_refund_eligibility", account_id=account_id, month=month)
    assert not failed
    assert (answer["eligible"], answer["code"]) == (False, code)
    assert words in answer["reason"]


def test_an_invoice_of_somebody_else_is_not_found(office: Office) -> None:
    _, answer = office("check_refund_eligibility", account_id="AC1058", invoice_number="INV-2026-03-0417")
    assert (answer["code"], answer["charge_id"]) == ("no_invoice", "")


def test_an_earlier_refund_gives_its_reference(office: Office) -> None:
    _, answer = office("check_refund_eligibility", account_id="AC3344", month="march")
    assert answer["reference"] == "RF-20416"


def test_a_refund_has_a_reference_and_its_amount(office: Office) -> None:
    failed, answer = refund(office)
    assert not failed
    assert (answer["reference"], answer["amount"], answer["already_done"]) == ("RF-20417", "49.99", False)
    _, after = office("check_refund_eligibility", account_id="AC4721", month="march")
    assert after["code"] == "already_refunded"


def test_references_count_on(office: Office) -> None:
    refund(office)
    _, answer = refund(office, account_id="AC6102", charge_id="CH-2026-03-0502-2", amount=79.0, idempotency_key="other")
    assert (answer["reference"], answer["amount"]) == ("RF-20418", "79.00")


@pytest.mark.parametrize("key", ["call-1:refund", "another key"])
def test_the_same_key_or_the_same_charge_gives_the_same_refund(office: Office, key: str) -> None:
    _, first = refund(office)
    failed, second = refund(office, idempotency_key=key)
    assert not failed
    assert second == first | {"already_done": True}
    assert office.refunds() == [first["reference"]]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": "49.98"}, "whole duplicate charge"),
        ({"amount": "4999"}, "whole duplicate charge"),
        ({"amount": "-49.99"}, "amount is not clear"),
        ({"account_id": "AC1058"}, "does not belong to this account"),
        ({"account_id": "AC9999"}, "no account"),
        ({"charge_id": "CH-2026-03-0417-1"}, "not a duplicate"),
        ({"charge_id": "CH-0"}, "does not belong to this account"),
        ({"charge_id": "' OR 1=1 --"}, "does not belong to this account"),
        ({"idempotency_key": " "}, "idempotency key"),
        ({"idempotency_key": "k" * 201}, "idempotency key"),
        ({"account_id": "AC5867", "charge_id": "CH-2026-03-0485-2", "amount": "249.00"}, "above what I can refund"),
        ({"account_id": "AC2390", "charge_id": "CH-2026-03-0451-2", "amount": "79.00"}, "still pending"),
    ],
)
def test_what_may_not_be_refunded_is_refused_and_changes_nothing(
    office: Office, changes: dict[str, str], sentence: str
) -> None:
    failed, answer = refund(office, **changes)
    assert failed
    assert sentence in answer
    assert office.refunds() == []


def test_a_key_that_paid_one_charge_cannot_pay_another(office: Office) -> None:
    refund(office)
    failed, answer = refund(office, account_id="AC6102", charge_id="CH-2026-03-0502-2", amount="79.00")
    assert failed
    assert "used for another refund" in answer


def test_somebody_elses_refund_is_not_told_by_its_key(office: Office) -> None:
    refund(office)
    failed, answer = refund(office, account_id="AC1058")
    assert failed
    assert "RF-" not in answer


def test_the_limit_is_a_setting(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/b.db", refund_limit_cents=49_98)
    database = Database(settings)
    database.prepare()
    failed, answer = refund(Office(database, settings))
    assert failed
    assert "above what I can refund" in answer
    database.close()


def test_many_at_once_make_one_refund(office: Office) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: refund(office, idempotency_key=f"k{n % 3}"), range(8)))
    assert {answer["reference"] for _, answer in answers} == {"RF-20417"}
    assert [answer["already_done"] for _, answer in answers].count(False) == 1
    assert office.refunds() == ["RF-20417"]


def test_a_failing_database_is_told_plainly_and_logged_without_arguments(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with office.database.writing() as session:
        session.execute(text("ALTER TABLE accounts RENAME TO gone"))
    with caplog.at_level(logging.DEBUG):
        failed, answer = office("get_account", account_id="AC4721")
    assert failed
    assert "can't be reached" in answer
    assert "OperationalError" in caplog.text
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")]
    assert "4721" not in "".join(ours)
