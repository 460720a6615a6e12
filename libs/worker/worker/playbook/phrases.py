"""Sentences with holes: filled with what is known, and recognised again in what was said.

``{name}`` or ``{tool.field}``, optionally with a format: ``{refund.amount:money}``, ``{refund.reference:spelled}``,
``{display_name:first}``, ``{tried:service}``. A part in [square brackets] is left out when one of its holes cannot be filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from handoff.directory import DIRECTORY

from worker.understanding import spoken

Lookup = Callable[[str], str | None]
"""The value of a name, or None when it is not known."""

FORMATS: dict[str, Callable[[str], str]] = {
    "": lambda value: value,
    "money": spoken.money,
    "spelled": spoken.spelled,
    "telephone": spoken.telephone,
    "first": lambda value: value.split()[0] if value.split() else "",
    "lower": str.lower,
    "service": lambda value: DIRECTORY[value].spoken_name if value in DIRECTORY else value,
}
HEARD_ENOUGH = 0.75
"""How much of an interrupted question the caller must have heard for an answer to count; the question itself stands at its end."""
LAST_QUESTION = re.compile(r"(?:^|(?<=[.?!]) )(?:[^.?!]|[.?!](?! ))*\?(?: [^.?!]*\bkeypad\b[^.?!]*\.)?$")
"""The question at the end of what is said, with what may be typed instead of an answer. A dot inside a number or a placeholder ends no
sentence."""
_TEMPLATE_QUESTION = re.compile(r"(?:^|(?<=[.?!]) |(?<=\}) (?=[A-Z]))(?:(?!\} [A-Z])(?:[^.?!]|[.?!](?! )))*\?$")
"""The same in a template, where a placeholder before a capital may stand for whole sentences."""

_MAX_HOLE_WORDS = 40
"""A back office gives whole sentences as reasons."""
_HOLE = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)?)(?::([a-z]+))?\}")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_HINT = re.compile(r"\[([^\[\]]*\{keypad\}[^\[\]]*)\]\W*$")
"""What a caller on the telephone may type instead: it stands behind the question, which is whole without it."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One placeholder."""

    name: str
    format: str


class Phrase:
    """A template. Raises ValueError, saying what is wrong, when its holes or brackets are malformed."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        rest = _HOLE.sub("", self.text)
        if "{" in rest or "}" in rest:
            raise ValueError("a placeholder is malformed: write {name}, {tool.field} or {name:format}")
        if "[" in _BRACKET.sub("", self.text) or "]" in _BRACKET.sub("", self.text):
            raise ValueError("square brackets must be closed and not nested")
        hint = _HINT.search(self.text)
        self._hint = hint[1] if hint is not None else ""
        pieces = _pieces(self.text)
        self._first = pieces[0] if pieces and not self.text.startswith("[") else None

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Every placeholder, in order."""
        return tuple(Hole(name, form) for name, form in _HOLE.findall(self.text))

    @property
    def own_words(self) -> int:
        """How many of its words are not placeholders."""
        return sum(piece is not None for piece in _pieces(_BRACKET.sub("", self.text)))

    def fill(self, lookup: Lookup) -> str | None:
        """The sentence with its holes filled; None when a value outside brackets is not known."""
        kept = _BRACKET.sub(lambda part: _fill(part[1], lookup) or "", self.text)
        filled = _fill(kept, lookup)
        return " ".join(filled.split()) if filled is not None else None

    def ending_with(self, other: str) -> Phrase:
        """This phrase with ``other`` in the place of the question at its end."""
        return Phrase(f"{_TEMPLATE_QUESTION.sub('', self.text)} {other}")

    def share_heard(self, heard: str, lookup: Lookup, *, was_interrupted: bool) -> tuple[float, bool]:
        """How much of this phrase ``heard`` is (0 to 1), and whether with the values as they are now.

        Whole or nothing, unless it was interrupted: then its beginning counts, from three words on. What may be typed instead of an
        answer need not have been heard.
        """
        words = _words(heard)
        if self._first is not None and len(words) > 1 and words[0] != self._first:
            return 0.0, False  # nearly always: most of a playbook's sentences were not said
        for text, is_current in self._forms(lookup):
            hint = len(_pieces(_fill(self._hint, lookup) or "")) if is_current else 0
            share = _share(_pieces(text), words, was_interrupted, hint=hint)
            if share:
                return share, is_current
        return 0.0, False

    def _forms(self, lookup: Lookup) -> Iterator[tuple[str, bool]]:
        now = self.fill(lookup)
        if now is not None:
            yield now, True
        if "{" in self.text:
            yield _BRACKET.sub(r"\1", self.text), False
            if "[" in self.text:
                yield _BRACKET.sub("", self.text), False


def _fill(text: str, lookup: Lookup) -> str | None:
    values = {(name, form): lookup(name) for name, form in _HOLE.findall(text)}
    if not all(values.values()):
        return None
    return _HOLE.sub(lambda hole: FORMATS[hole[2] or ""](values[hole[1], hole[2] or ""] or ""), text)


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[str, ...]:
    """Looked at once for every phrase of a playbook: a call's last turns are kept."""
    return tuple(word for raw in text.lower().replace("’", "'").split() if (word := raw.strip('.,;:!?"()')))


def _pieces(text: str) -> list[str | None]:
    """The words of a phrase; None for a word with a hole in it."""
    marked = _HOLE.sub("\0", text)
    return [None if "\0" in word else word for word in _words(marked)]


def _share(pieces: list[str | None], words: tuple[str, ...], was_interrupted: bool, *, hint: int) -> float:
    """``hint``: how many pieces at the end do not count."""
    if not words or not pieces:
        return 0.0
    if (at := _matched(pieces, words, was_interrupted)) is None:
        return 0.0
    if at == len(pieces):
        return 1.0
    return min(1.0, at / (len(pieces) - hint)) if len(words) >= 3 else 0.0


def _matched(pieces: list[str | None], words: tuple[str, ...], may_stop_early: bool) -> int | None:
    """How many pieces ``words`` cover from the beginning; None when they do not fit. The furthest of all ways counts.

    ``reached`` holds the numbers of pieces that the words so far can have covered.
    """
    reached: dict[int, int] = {0: 0}  # pieces covered -> words inside the hole that is being filled
    for word in words:
        onward: dict[int, int] = {}
        for covered, inside in reached.items():
            if inside and inside < _MAX_HOLE_WORDS:
                onward[covered] = min(inside + 1, onward.get(covered, _MAX_HOLE_WORDS))
            if covered < len(pieces):
                piece = pieces[covered]
                if piece is None:
                    onward[covered + 1] = 1
                elif piece == word or (may_stop_early and word == words[-1] and piece.startswith(word)):
                    onward[covered + 1] = 0
        if not onward:
            return None
        reached = onward
    best = max(reached)
    return best if may_stop_early or best == len(pieces) else None
