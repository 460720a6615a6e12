"""Whether a listener's spelling is that of the words that were said: "March and voice" is "March invoice" at the ear.

A small recogniser writes a name or a rare word as it sounds. A person who reads it back would not say that it was not heard.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_ALIKE = 0.8
"""Share of letters in common, in order (`difflib` ratio). "Clown Business" for "Cloud Business" has 0.85, "March and voice" for
"March invoice" 0.88; two sentences that have nothing to do with each other rarely have a window above 0.6."""
_FEWEST_LETTERS = 8
"""Shorter words are too easily found in other ones."""


def sounds_like(said: str, heard: str) -> bool:
    """Whether ``said`` is somewhere in ``heard``, give or take the spelling.

    What holds a digit must be heard as it is: an amount or a reference that is nearly right is wrong. So must short words.
    """
    wanted = _letters(said)
    if len(wanted) < _FEWEST_LETTERS or re.search(r"\d", said):
        return False
    words = [_letters(word) for word in heard.split()]
    return any(_is_alike(wanted, window) for window in _windows(words, len(wanted)))


def _windows(words: list[str], letters: int) -> set[str]:
    """Runs of whole words about as long as what is looked for."""
    runs: set[str] = set()
    for first in range(len(words)):
        run = ""
        for word in words[first:]:
            run += word
            if len(run) > letters * 1.3:
                break
            if len(run) >= letters * 0.8:
                runs.add(run)
    return runs


def _is_alike(wanted: str, window: str) -> bool:
    return SequenceMatcher(None, wanted, window, autojunk=False).ratio() >= _ALIKE


def _letters(text: str) -> str:
    return re.sub(r"[^a-z\d]", "", text.lower())
