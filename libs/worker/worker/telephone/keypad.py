"""What a caller types on a keypad: keys become an entry, and an entry that answers a question becomes words, as if he had said them.

Pure: no session, no room, no clock of its own. A number as long as a card's is never whole in here, and nothing typed is ever logged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from worker.understanding import spoken
from worker.understanding.extract import facts_in

MAX_DIGITS = 10
"""No question asks for more (an invoice number has ten); a card number has 13 to 19."""
PAUSE_SECONDS = 3.0
"""A pause of this length ends an entry, as ``#`` does."""
CHOICE_SECONDS = 1.0
"""The same after a key that was offered ("press 1 for yes"): no more of it is to come, unless it was the first digit of a number."""

DIGITS = frozenset("0123456789")
_NAMES = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_KEY = rf"(?:[1-9]|{'|'.join(_NAMES)})"
_OFFERING = re.compile(r"[^.?!]*\bpress\b[^.?!]*", re.IGNORECASE)
_NEXT = rf" (?:(?:or|and) )?{_KEY}(?: for\b|$)| (?:or|and)$| (?:on|with) your\b"
"""Where the meaning of a key ends: at the next key, also where the agent was cut off there, or at "on your keypad"."""
_OFFER = re.compile(rf"\b({_KEY}) for ((?:(?!{_NEXT})[^.,;:?!])+)", re.IGNORECASE)
_SAID_AS = {
    "account_id": "My account ID is {}.",
    "postal_code": "The ZIP code is {}.",
    "ticket_id": "The ticket number is {}.",
}
"""Facts that can be typed, in the words of a caller who spells them."""


class Timer(Protocol):
    """What ``later`` gives back: asyncio's TimerHandle, or a test's."""

    def cancel(self) -> None:
        """It will not ring."""


class Keypad:
    """One caller's keys, in order. ``#`` or a pause ends an entry, ``*`` takes it back.

    ``on_entry`` is given the digits of each entry that has ended; None for one of more than MAX_DIGITS, of which nothing is kept.
    ``later`` is a loop's ``call_later``; ``is_choice`` tells whether these digits are a key that the agent has offered.
    """

    def __init__(
        self,
        on_entry: Callable[[str | None], None],
        *,
        later: Callable[[float, Callable[[], None]], Timer],
        is_choice: Callable[[str], bool],
    ) -> None:
        self._on_entry = on_entry
        self._later = later
        self._is_choice = is_choice
        self._digits = ""
        self._is_too_long = False
        self._timer: Timer | None = None

    @property
    def is_typing(self) -> bool:
        """Whether an entry has begun and not ended."""
        return bool(self._digits) or self._is_too_long

    def press(self, key: str) -> None:
        """A key was pressed: a digit, ``*`` or ``#``; the letter keys that no telephone has are ignored."""
        if key in DIGITS:
            self._stop_timer()
            self._add(key)
            self._timer = self._later(CHOICE_SECONDS, self._pauses)
        elif key == "#":
            self._end()
        elif key == "*":
            self.clear()

    def clear(self) -> None:
        """Forgets what was typed."""
        self._stop_timer()
        self._digits, self._is_too_long = "", False

    def _add(self, digit: str) -> None:
        if self._is_too_long or len(self._digits) == MAX_DIGITS:
            self._digits, self._is_too_long = "", True
        else:
            self._digits += digit

    def _pauses(self) -> None:
        if self._is_choice(self._digits):
            self._end()
        else:
            self._timer = self._later(PAUSE_SECONDS - CHOICE_SECONDS, self._end)

    def _end(self) -> None:
        typed = None if self._is_too_long else self._digits
        self.clear()
        if typed != "":
            self._on_entry(typed)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def choices(said: str) -> dict[str, str]:
    """The keys that an agent's words offer: "press 1 for yes or 2 for no" -> ``{"1": "yes", "2": "no"}``."""
    offers = (offer for sentence in _OFFERING.findall(said) for offer in _OFFER.findall(sentence))
    return {_NAMES.get(key.lower(), key): meant.strip() for key, meant in offers}


def chosen(digits: str, said: str) -> str:
    """What a caller means who presses a key that ``said`` offers, as a sentence of his; empty when it offers no such key."""
    meant = choices(said).get(digits, "")
    return f"{meant[0].upper()}{meant[1:]}." if meant else ""


def told(digits: str, question: str) -> str:
    """What a caller tells who types the code that ``question`` asks for, as a sentence of his; empty when it asks for no such code.

    What it asks for is decided as for digits that are spoken: by ``facts_in``.
    """
    facts = facts_in(" ".join(digits), question)
    return next((_SAID_AS[name].format(spoken.spelled(value)) for name, value in facts if name in _SAID_AS), "")
