"""A line of the log: what was chosen to be in it, and nothing else of what a record may carry."""

from __future__ import annotations

import json
import logging
import sys

from telemetry.log_lines import JsonLines
from telemetry.names import trace_hex_of


def line_of(**extra: object) -> dict[str, object]:
    record = logging.LogRecord(
        "gateway.console", logging.INFO, "console.py", 1, "a call's words were %s", ("read",), None
    )
    record.__dict__.update(extra)
    line: dict[str, object] = json.loads(JsonLines().format(record))
    return line


def test_a_line_says_what_when_and_of_which_call() -> None:
    line = line_of(call_id="call-1", created=12.3456)
    assert line == {
        "at": 12.346,
        "level": "INFO",
        "logger": "gateway.console",
        "message": "a call's words were read",
        "call_id": "call-1",
        "trace_id": trace_hex_of("call-1"),
    }


def test_a_field_that_was_not_chosen_is_not_in_it() -> None:
    assert line_of(address="203.0.113.7", words="zqcanary").keys() == {"at", "level", "logger", "message"}


def test_a_fault_is_one_line_too() -> None:
    try:
        raise RuntimeError("a fault of our own")
    except RuntimeError:
        line = line_of(exc_info=sys.exc_info())
    assert "a fault of our own" in str(line["exception"])
