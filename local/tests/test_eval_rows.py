"""Rows before and after: what was added, changed and removed."""

import sqlite3

import pytest

from local.eval.rows import differences, snapshot


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as rows:
        rows.executescript(
            "CREATE TABLE refunds (reference TEXT PRIMARY KEY, amount INT);"
            "CREATE TABLE notes (text TEXT);"
            "CREATE TABLE effects (call_id TEXT PRIMARY KEY);"
            "INSERT INTO refunds VALUES ('RF-1', 5), ('RF-2', 6);"
        )
    return path


def change(path, *statements):
    before = snapshot(path)
    with sqlite3.connect(path) as rows:
        for statement in statements:
            rows.execute(statement)
    return differences(before, snapshot(path))


def test_nothing_changed(database):
    assert change(database) == {}


def test_what_was_added_changed_and_removed(database):
    found = change(
        database,
        "INSERT INTO refunds VALUES ('RF-3', 7)",
        "UPDATE refunds SET amount = 9 WHERE reference = 'RF-1'",
        "DELETE FROM refunds WHERE reference = 'RF-2'",
    )["refunds"]
    assert found.added == ({"reference": "RF-3", "amount": 7},)
    assert found.changed == ({"reference": "RF-1", "amount": 9},)
    assert found.removed == ({"reference": "RF-2", "amount": 6},)


def test_a_table_without_a_key_is_told_by_its_rows(database):
    assert change(database, "INSERT INTO notes VALUES ('x')")["notes"].added == ({"text": "x"},)


def test_bookkeeping_is_left_out(database):
    assert change(database, "INSERT INTO effects VALUES ('call-1')") == {}


def test_a_table_that_comes_or_goes_is_a_change(database):
    assert change(
        database, "INSERT INTO notes VALUES ('x')", "DROP TABLE refunds", "CREATE TABLE more AS SELECT 1 AS n"
    ) == {
        "notes": differences({}, {"notes": {(1,): {"text": "x"}}})["notes"],
        "more": differences({}, {"more": {(1,): {"n": 1}}})["more"],
        "refunds": differences(
            {"refunds": {(1,): {"reference": "RF-1", "amount": 5}, (2,): {"reference": "RF-2", "amount": 6}}}, {}
        )["refunds"],
    }
