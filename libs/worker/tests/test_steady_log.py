"""A log that cannot be written costs lines: nobody who logs waits, or hears of it."""

from __future__ import annotations

import errno
import io
import logging
import threading
from collections.abc import Iterator

import pytest
from worker.main_process.steady_log import SteadyHandler


class Disc(io.StringIO):
    """Takes lines, unless it is full, closed or stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Exception | None = None
        self.turns = threading.Event()
        self.turns.set()
        self.tried = threading.Semaphore(0)

    def write(self, text: str) -> int:
        self.tried.release()
        self.turns.wait()
        if self.fault is not None:
            raise self.fault
        return super().write(text)


@pytest.fixture
def disc() -> Disc:
    return Disc()


@pytest.fixture
def handler(disc: Disc) -> Iterator[SteadyHandler]:
    handler = SteadyHandler(logging.StreamHandler(disc), max_waiting=5)
    yield handler
    disc.turns.set()
    handler.close()


def say(handler: SteadyHandler, text: str) -> None:
    handler.handle(logging.LogRecord("call", logging.INFO, __file__, 1, text, (), None))


def lines(handler: SteadyHandler, disc: Disc) -> list[str]:
    """Everything that was written, when the writer is done."""
    handler.close()
    return disc.getvalue().splitlines()


def test_lines_are_written_in_order(handler: SteadyHandler, disc: Disc) -> None:
    for n in range(4):
        say(handler, f"line {n}")
    assert lines(handler, disc) == ["line 0", "line 1", "line 2", "line 3"]


@pytest.mark.parametrize(
    "fault",
    [OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError(), ValueError("I/O operation on closed file")],
    ids=["disc full", "pipe closed", "file closed"],
)
def test_what_cannot_be_written_is_lost_and_told_when_it_can_be_again(
    handler: SteadyHandler, disc: Disc, fault: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    disc.fault = fault
    say(handler, "lost")
    say(handler, "lost too")
    for _ in range(2):
        disc.tried.acquire()
    while handler.lost < 2:
        pass
    disc.fault = None
    say(handler, "written")
    assert lines(handler, disc) == ["written", "2 log lines were lost: they could not be written"]
    assert capsys.readouterr().err == "", "no traceback where the log cannot go either"


def test_whoever_logs_does_not_wait_for_a_reader_that_sleeps(handler: SteadyHandler, disc: Disc) -> None:
    disc.turns.clear()
    say(handler, "stuck")
    disc.tried.acquire()
    for n in range(8):
        say(handler, f"line {n}")
    assert handler.lost == 3
    disc.turns.set()
    written = lines(handler, disc)
    assert written[0] == "stuck"
    assert "3 log lines were lost: they could not be written" in written


def test_a_record_that_cannot_be_formatted_is_one_line_less(handler: SteadyHandler, disc: Disc) -> None:
    handler.handle(logging.LogRecord("call", logging.INFO, __file__, 1, "%d", ("no number",), None))
    say(handler, "the next one")
    assert lines(handler, disc)[0] == "the next one"


def test_closing_twice_is_once(handler: SteadyHandler, disc: Disc) -> None:
    say(handler, "line")
    assert lines(handler, disc) == lines(handler, disc)
