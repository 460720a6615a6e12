"""A tool whose every use undoes what the one before it did: there and back again is no use of old."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker.playbook.playbook import load
from worker.testing.playbook import Play, ToolFails

BOOK = """\
service: escalation
facts: [hour]
tools:
  book:
    call: book_callback
    with: {hour: "{hour}"}
    REPLACES
rules:
  - name: book
    when: {known: hour, not_called: book}
    call: book
  - name: again
    when: {failed: book, fewer_calls: {book: 2}}
    call: book
  - name: booked
    when: {done: book}
    say: You are booked at {book.hour}.
    repeat: true
  - name: last
    say: It does not work.
    repeat: true
"""


def play(home: Path, *, replaces: str = "replaces: true") -> Play:
    (home / "playbook.yaml").write_text(BOOK.replace("REPLACES", replaces))

    def book_callback(hour: str) -> dict[str, str]:
        if hour == "noon":
            raise ToolFails("The calendar can't be reached.")
        return {"hour": hour}

    return Play(load(home / "playbook.yaml"), {"book_callback": book_callback})


def hours(dialogue: Play, *wanted: str) -> list[str]:
    """Asks for each hour in turn; the hours that the tool was called with."""
    for hour in wanted:
        dialogue.facts["hour"] = hour
        dialogue.caller(f"At {hour}, please.")
    return [call["hour"] for call in dialogue.called("book_callback")]


def test_what_was_booked_before_something_else_is_booked_again(tmp_path: Path) -> None:
    assert hours(play(tmp_path), "four", "three", "four", "four") == ["four", "three", "four"]


@pytest.mark.parametrize("replaces", ["", "replaces: false"])
def test_of_any_other_tool_an_old_use_counts_as_ever(tmp_path: Path, replaces: str) -> None:
    assert hours(play(tmp_path, replaces=replaces), "four", "three", "four") == ["four", "three"]


def test_tries_of_the_same_are_counted_also_when_it_replaces(tmp_path: Path) -> None:
    assert hours(play(tmp_path), "four", "noon", "noon") == ["four", "noon", "noon"]
