"""Billing's tools over a real database: what they tell, who may be refunded what, and once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from backoffice.database import Database
from backoffice.testing import KEY, Call, opened
from billing_mcp.rows import Charge, Mailing, Refund
from billing_mcp.seed import examples
from billing_mcp.settings import Settings
from billing_mcp.tools import make_office
from sqlalchemy import select, text

DUPLICATE = "CH-2026-03-0417-2"


class Office:
    """The tools as an agent calls them, for a caller who was verified for the account: (is_error, JSON or sentence)."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.call = Call(office=make_office(database, settings), settings=settings)

    def __call__(self, tool: str, **arguments: Any) -> tuple[bool, Any]:
        account_id = str(arguments.get("account_id", "")).replace(" ", "").upper()
        return self.call.verified(account_id)(tool, **arguments)

    def refunds(self) -> list[str]:
        with self.database.reading() as session:
            return list(session.scalars(select(Refund.reference).where(Refund.call_id != "")))


@pytest.fixture
def settings(seeded_url: Callable[..., str]) -> Settings:
    return Settings(database_url=seeded_url("billing_mcp", examples), capability_key=KEY)


@pytest.fixture
def office(settings: Settings) -> Iterator[Office]:
    with opened(settings, package="billing_mcp") as database:
        yield Office(database, settings)


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


def test_a_key_that_paid_one_charge_cannot_pay_another_on_that_call(office: Office) -> None:
    refund(office)
    changes = {"account_id": "AC6102", "charge_id": "CH-2026-03-0502-2", "amount": "79.00"}
    failed, answer = refund(office, **changes)
    assert failed
    assert "used for something else" in answer
    office.call = office.call.on("call-2")
    failed, answer = refund(office, **changes)
    assert (failed, answer["already_done"]) == (False, False)


def test_somebody_elses_refund_is_not_told_by_its_key(office: Office) -> None:
    refund(office)
    failed, answer = refund(office, account_id="AC1058")
    assert failed
    assert "RF-" not in answer


def test_the_limit_is_a_setting(settings: Settings) -> None:
    settings = replace(settings, refund_limit_cents=49_98)
    with opened(settings, package="billing_mcp") as database:
        failed, answer = refund(Office(database, settings))
    assert failed
    assert "above what I can refund" in answer


def second_duplicate(office: Office, *, amount_cents: int) -> dict[str, str]:
    """Another charge of Sarah Chen's that is due back."""
    with office.database.writing() as session:
        first = session.get_one(Charge, "CH-2026-03-0417-1")
        for count in (3, 4):
            session.add(
                Charge(
                    charge_id=f"CH-2026-03-0417-{count}",
                    invoice_number=first.invoice_number,
                    description="Extra storage",
                    kind="storage",
                    quantity=1,
                    amount_cents=amount_cents,
                    status="settled",
                    charged_on=first.charged_on,
                )
            )
    return {"charge_id": "CH-2026-03-0417-4", "amount": f"{amount_cents / 100:.2f}", "idempotency_key": "second"}


def test_small_refunds_together_do_not_pass_the_limit(office: Office) -> None:
    second = second_duplicate(office, amount_cents=50_02)
    refund(office)
    failed, answer = refund(office, **second)
    assert failed
    assert "above what I can refund myself" in answer
    _, verdict = office("check_refund_eligibility", account_id="AC4721", month="march")
    assert verdict["code"] == "above_limit"
    with office.database.writing() as session:
        session.get_one(Refund, "RF-20417").refunded_at -= timedelta(days=31)
    assert not refund(office, **second)[0]


def test_refunds_at_once_do_not_pass_the_limit_together(office: Office) -> None:
    second = second_duplicate(office, amount_cents=60_00)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda changes: refund(office, **changes), ({}, second)))
    assert [failed for failed, _ in answers].count(True) == 1
    assert len(office.refunds()) == 1


def test_many_at_once_make_one_refund(office: Office) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: refund(office, idempotency_key=f"k{n % 3}"), range(8)))
    assert {answer["reference"] for _, answer in answers} == {"RF-20417"}
    assert [answer["already_done"] for _, answer in answers].count(False) == 1
    assert office.refunds() == ["RF-20417"]


@pytest.mark.parametrize(
    ("asked", "kind", "sentence"),
    [
        ({"account_id": "AC4721"}, "subscription", "looks like a duplicate"),
        ({"account_id": "AC4721", "month": "february"}, "subscription", "is the price of Cloud Pro for February."),
        (
            {"account_id": "AC4721", "amount": "$49.99"},
            "subscription",
            "The $49.99 is the price of Cloud Pro for March.",
        ),
        ({"account_id": "AC1963"}, "storage", "gigabytes of storage beyond your plan in March."),
        ({"account_id": "AC2390"}, "subscription", "same as an earlier charge"),
        ({"account_id": "AC3344"}, "subscription", "It was refunded."),
    ],
)
def test_a_charge_is_explained_in_words(office: Office, asked: dict[str, str], kind: str, sentence: str) -> None:
    failed, answer = office("explain_charge", **asked)
    assert not failed
    assert answer["kind"] == kind
    assert sentence in answer["explanation"]


@pytest.mark.parametrize(
    "asked", [{"amount": "12.34"}, {"month": "July"}, {"charge_id": "CH-2026-03-0434-1"}, {"charge_id": "%"}]
)
def test_a_charge_that_is_not_there_is_not_explained(office: Office, asked: dict[str, str]) -> None:
    assert office("explain_charge", account_id="AC4721", **asked) == (
        True,
        "I can't find that charge on this account.",
    )


@pytest.mark.parametrize(
    ("account_id", "status", "due", "sentence"),
    [
        ("AC4721", "paid", "0.00", "Your March invoice of $99.98 was paid on March 4."),
        ("AC8136", "failed", "249.00", "didn't go through, because"),
        ("AC9047", "processing", "79.00", "is on its way"),
    ],
)
def test_the_payment_status_is_told_in_words(
    office: Office, account_id: str, status: str, due: str, sentence: str
) -> None:
    failed, answer = office("get_payment_status", account_id=account_id)
    assert not failed
    assert (answer["status"], answer["amount_due"]) == (status, due)
    assert sentence in answer["explanation"]


def test_an_invoice_of_a_month_without_one_has_no_payment_status(office: Office) -> None:
    failed, answer = office("get_payment_status", account_id="AC4721", month="July")
    assert failed
    assert "can't find an invoice" in answer


def test_an_invoice_is_sent_again_once_for_each_key(office: Office) -> None:
    arguments = {"account_id": "AC4721", "month": "march", "idempotency_key": "send"}
    _, first = office("resend_invoice", **arguments)
    assert (first["reference"], first["invoice_number"], first["already_done"]) == (
        "ML-30101",
        "INV-2026-03-0417",
        False,
    )
    assert office("resend_invoice", **arguments) == (False, first | {"already_done": True})
    assert office("resend_invoice", **arguments | {"month": "february"})[0]
    with office.database.reading() as session:
        assert list(session.scalars(select(Mailing.reference))) == ["ML-30101"]


def test_an_invoice_is_not_sent_all_day_long(office: Office) -> None:
    answers = [office("resend_invoice", account_id="AC4721", idempotency_key=f"send {n}") for n in range(4)]
    assert [failed for failed, _ in answers] == [False, False, False, True]
    assert answers[3][1] == "That invoice was already sent several times today."


def test_every_example_customer_has_an_account_with_bills(office: Office) -> None:
    with office.database.reading() as session:
        accounts = session.execute(text("SELECT count(*) FROM accounts")).scalar_one()
        bills = session.execute(text("SELECT count(*) FROM invoices")).scalar_one()
    assert (accounts, bills > 6 * 200) == (220, True)


def test_a_failing_database_is_told_plainly_and_logged_without_arguments(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with office.database.writing() as session:
        session.execute(text("ALTER TABLE accounts RENAME TO gone"))
    with caplog.at_level(logging.DEBUG):
        failed, answer = office("get_account", account_id="AC4721")
    assert failed
    assert "can't be reached" in answer
    assert "the database failed" in caplog.text
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")]
    assert "4721" not in "".join(ours)
