"""What an agent hears when a tool is used wrongly, or the database is away."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from backoffice.database import Database
from backoffice.office import MAX_ARGUMENT_CHARS, BackOffice, CallToolResult, Refused
from backoffice.testing import Call
from parcels_mcp.office import ParcelSettings
from sqlalchemy import text


def test_arguments_that_are_missing_are_named(call: Call) -> None:
    assert call("send_parcel", account_id="AC4721") == (
        True,
        "The tool needs a valid idempotency_key and parcel_id.",
    )


@pytest.mark.parametrize(
    "value",
    [
        "x" * (MAX_ARGUMENT_CHARS + 1),
        "a\0b",
        "\ud800",
        10**10,
        -(10**10),
        float("inf"),
        float("nan"),
        ["x" * MAX_ARGUMENT_CHARS],
        {"x": "\0"},
        [["\ud800"]],
    ],
    ids=lambda value: ascii(value)[:12],
)
def test_what_no_database_could_keep_does_not_reach_it(call: Call, value: Any) -> None:
    arguments = {"account_id": "AC4721", "parcel_id": value, "idempotency_key": "k"}
    assert call("send_parcel", **arguments) == (True, "The tool needs a valid parcel_id.")


def test_a_failing_database_is_told_plainly_and_logged_without_arguments(
    call: Call, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.writing() as session:
        session.execute(text("ALTER TABLE customers RENAME TO gone"))
    with caplog.at_level(logging.DEBUG):
        assert call("find_account", account_id="AC4721") == (True, "The parcels records can't be reached right now.")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("backoffice")]
    assert any("the database failed" in line for line in ours)
    assert "4721" not in "".join(ours)


def _office(work: Any) -> Call:
    office = BackOffice("parcels")

    @office.tool()
    def tool() -> CallToolResult:
        """Does the work."""
        return office.answer(work)

    return Call(office=office, settings=ParcelSettings(database_url=""))


def test_a_tool_that_crashes_tells_neither_caller_nor_log_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    def crash() -> dict[str, Any]:
        raise KeyError("the caller's secret")

    with caplog.at_level(logging.DEBUG):
        assert _office(crash)("tool") == (True, "The parcels records can't be reached right now.")
    assert "KeyError" in caplog.text
    assert "secret" not in caplog.text


def test_a_refusal_is_its_sentence() -> None:
    def refuse() -> dict[str, Any]:
        raise Refused("No, thank you.")

    assert _office(refuse)("tool") == (True, "No, thank you.")
