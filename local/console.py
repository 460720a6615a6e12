"""What a person sees: one line at a time, with the seconds since the start."""

from __future__ import annotations

import sys
import time

_COLORS = {"caller": "36", "triage": "32", "billing": "35"}
_DIM = "2"


class Console:
    """Prints each line at once, also into a pipe. Colours only on a terminal, and not where NO_COLOR is set."""

    def __init__(self, *, may_color: bool = True) -> None:
        self._began = time.monotonic()
        self._colored = may_color and sys.stdout.isatty()

    def restart_clock(self) -> None:
        """From now on the seconds count from here."""
        self._began = time.monotonic()

    def say(self, line: str) -> None:
        """To standard output."""
        print(f"{self._paint(f'{time.monotonic() - self._began:6.1f} s', _DIM)}  {line}", flush=True)

    def spoken(self, speaker: str, words: str) -> None:
        """A line of the call: who, and what was said."""
        self.say(f"{self._paint(f'{speaker:>8}', _COLORS.get(speaker, '33'))}  {words}")

    def aside(self, words: str) -> None:
        """A line of the call that nobody hears."""
        self.say(self._paint(f"{'·':>8}  {words}", _DIM))

    def plain(self, line: str = "") -> None:
        """To standard output, without the seconds."""
        print(line, flush=True)

    def complain(self, text: str) -> None:
        """To standard error."""
        sys.stdout.flush()
        print(text, file=sys.stderr, flush=True)

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._colored else text
