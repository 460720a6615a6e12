"""What a worker writes: one JSON object a line, nothing of a caller; and which port is in its way."""

from __future__ import annotations

import errno
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from worker.main_process import doors, run


# --- ports ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "VOICEMESH_HEALTH_PORT: port 8080 is in use; free it, or set"),
        (OSError(errno.EACCES, "Permission denied"), "cannot listen on 0.0.0.0:8080 (Permission denied)"),
        (OSError(), "cannot listen on 0.0.0.0:8080 (OSError)"),
    ],
    ids=["in use", "not allowed", "unknown"],
)
def test_a_port_that_cannot_be_had_is_told_by_its_variable(error: OSError, told: str) -> None:
    with pytest.raises(doors.BootFailed) as caught, doors.listening("VOICEMESH_HEALTH_PORT", "0.0.0.0", 8080):
        raise error
    (line,) = caught.value.args
    assert line.startswith("VOICEMESH_HEALTH_PORT: ")
    assert told in line


# --- what it says in its log ------------------------------------------------------------------------------------------
def logged(message: str, *args: object, exc_info: Any = None, **extra: object) -> dict[str, Any]:
    record = logging.LogRecord("voicemesh.test", logging.INFO, __file__, 1, message, args, exc_info)
    for name, value in extra.items():
        setattr(record, name, value)
    return json.loads(run._JsonLines().format(record))


def test_a_log_line_is_one_json_object_with_its_call() -> None:
    line = logged("the handoff to %s did not happen", "billing", call_id="call-1")
    assert line["message"] == "the handoff to billing did not happen"
    assert (line["level"], line["logger"], line["call_id"]) == ("INFO", "voicemesh.test", "call-1")


def test_an_answers_times_stand_in_their_line_as_they_are() -> None:
    assert logged("answered", answer_ms={"heard": 350, "spoken": 620})["answer_ms"] == {"heard": 350, "spoken": 620}


def test_fields_that_were_not_chosen_do_not_get_into_the_log() -> None:
    assert set(logged("heard", transcript="my card is", user_input="4111", handoff_id="h1")) == {
        "at",
        "level",
        "logger",
        "message",
        "handoff_id",
    }


def test_a_calling_number_is_not_whole_in_any_part_of_a_line() -> None:
    try:
        raise ValueError("sip_+15550100001 is gone")
    except ValueError:
        line = logged("%s left", "sip_+15550100001", call_id="call-_+15550100001_x", exc_info=sys.exc_info())
    assert "5550100" not in line["message"] + line["exception"]
    assert (line["message"], line["call_id"]) == ("sip_***01 left", "call-_+15550100001_x")


def test_an_exception_stays_inside_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        line = logged("failed", exc_info=sys.exc_info())
    assert "ValueError: broken" in line["exception"]


# --- logs -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    root, handlers = logging.getLogger(), list(logging.getLogger().handlers)
    levels = {name: logging.getLogger(name).level for name in ("", *run._TALKATIVE)}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_logging_as_it_was")
def test_at_debug_no_library_writes_down_what_was_asked_and_answered() -> None:
    run._log_at("DEBUG")
    assert logging.getLogger("voicemesh.agent").isEnabledFor(logging.DEBUG)
    for library in ("mcp.client.streamable_http", "openai._base_client", "httpcore.http11"):
        assert not logging.getLogger(library).isEnabledFor(logging.DEBUG)


@pytest.mark.usefixtures("_logging_as_it_was")
def test_a_quieter_level_holds_for_libraries_too() -> None:
    run._log_at("ERROR")
    assert not logging.getLogger("mcp").isEnabledFor(logging.WARNING)
