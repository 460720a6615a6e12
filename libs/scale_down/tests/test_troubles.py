"""A trouble is told of once, and a warning once more when it is over; readiness follows the rounds."""

from __future__ import annotations

import json
import logging

import pytest
from scale_down.health import FAILING_SECONDS, Readiness
from scale_down.log_lines import JsonLines, Troubles

LOG = logging.getLogger("scale_down.test")


@pytest.fixture
def troubles(caplog: pytest.LogCaptureFixture) -> Troubles:
    caplog.set_level(logging.INFO, logger=LOG.name)
    return Troubles(LOG)


def test_a_trouble_that_lasts_is_told_of_once(troubles: Troubles, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        troubles.note("list", "the API server is away")
        troubles.round_ended(saw_all=False)
    assert caplog.messages == ["the API server is away"]


def test_in_one_round_many_pods_have_one_trouble(troubles: Troubles, caplog: pytest.LogCaptureFixture) -> None:
    troubles.note("patch", "may not patch")
    troubles.note("patch", "may not patch, said of another pod")
    assert caplog.messages == ["may not patch"]


def test_a_trouble_that_is_over_is_told_of_and_may_come_again(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    troubles.note("list", "away")
    troubles.round_ended(saw_all=False)
    troubles.round_ended(saw_all=True)
    troubles.note("list", "away")
    assert caplog.messages == ["away", "over: away", "away"]


def test_a_round_that_saw_nothing_ends_no_trouble(troubles: Troubles, caplog: pytest.LogCaptureFixture) -> None:
    troubles.note("patch", "may not patch")
    troubles.round_ended(saw_all=True)
    troubles.note("list", "away")
    troubles.round_ended(saw_all=False)
    troubles.note("patch", "may not patch")
    assert caplog.messages == ["may not patch", "away"]


def test_what_only_informs_ends_without_a_word(troubles: Troubles, caplog: pytest.LogCaptureFixture) -> None:
    troubles.note("gone", "a pod went", level=logging.INFO)
    troubles.round_ended(saw_all=True)
    troubles.round_ended(saw_all=True)
    assert caplog.messages == ["a pod went"]


def test_a_line_is_one_json_object() -> None:
    record = logging.LogRecord("scale_down.run", logging.WARNING, "run.py", 1, "say %s", ("so",), None)
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "scale_down.run", "say so")


def test_it_is_ready_from_the_first_good_round_until_none_was_good_for_long() -> None:
    clock = [100.0]
    readiness = Readiness(now=lambda: clock[0])
    clock[0] += 7
    assert (readiness.reason, readiness.lag_seconds) == ("no_round_yet", 7)
    readiness.good_round()
    assert (readiness.reason, readiness.lag_seconds) == ("", 0)
    clock[0] += FAILING_SECONDS
    assert readiness.reason == ""
    clock[0] += 0.1
    assert readiness.reason == "rounds_fail"
    readiness.good_round()
    assert readiness.reason == ""
