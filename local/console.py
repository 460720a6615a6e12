"""What a person sees: one line at a time, with the seconds since the start."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

_COLORS = {"caller": "36", "triage": "32", "billing": "35"}
_DIM = "2"


class Console:
    """Prints each line at once, also into a pipe. Colours only on a terminal, and not where NO_COLOR is set.

    When whoever read it has gone (a closed terminal, a pipe that broke) the work goes on, and so does stopping it.
    """

    def __init__(self, *, may_color: bool = True) -> None:
        self._began = time.monotonic()
        self._colored = may_color and sys.stdout.isatty()

    def restart_clock(self) -> None:
        """From now on the seconds count from here."""
        self._began = time.monotonic()

    def say(self, line: str) -> None:
        """To standard output."""
        _print(f"{self._paint(f'{time.monotonic() - self._began:6.1f} s', _DIM)}  {line}", sys.stdout)

    def spoken(self, speaker: str, words: str) -> None:
        """A line of the call: who, and what was said."""
        self.say(f"{self._paint(f'{speaker:>8}', _COLORS.get(speaker, '33'))}  {words}")

    def aside(self, words: str) -> None:
        """A line of the call that nobody hears."""
        self.say(self._paint(f"{'·':>8}  {words}", _DIM))

    def plain(self, line: str = "") -> None:
        """To standard output, without the seconds."""
        _print(line, sys.stdout)

    def complain(self, text: str) -> None:
        """To standard error."""
        _print(text, sys.stderr)

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._colored else text


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except OSError:
        # Nobody reads any more; Python would complain once more when it flushes at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
