"""Cuts text into sentences, so that the first is heard while the next is still being made."""

from __future__ import annotations

import re

_END = re.compile(r"([.!?…]+[\"'”’)]*)\s+")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|St|Inc|Ltd|Co|Corp|No|vs|etc|e\.g|i\.e|[A-Za-z])\.$")
_LONGEST = 300
"""Characters; a longer sentence is cut at its commas, so that no listener waits for all of it."""
_FIRST_LONGEST, _FIRST_SHORTEST = 60, 20
"""The first one is what a listener waits for (50 ms for each second of it): a longer one begins with its first clause, unless that is
too short to be spoken by itself."""


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text`` in order, without those that hold nothing to say."""
    pieces: list[str] = []
    begin = 0
    for end in _END.finditer(text):
        if not _ABBREVIATION.search(text[begin : end.end(1)]):
            pieces.append(text[begin : end.end(1)])
            begin = end.end()
    pieces.append(text[begin:])
    whole = [" ".join(piece.split()) for piece in pieces]
    parts = [part for sentence in whole for part in _shorter(sentence) if any(c.isalnum() for c in part)]
    return [*_soon(parts[0]), *parts[1:]] if parts else []


def _soon(first: str) -> list[str]:
    cut = first.find(", ", _FIRST_SHORTEST, _FIRST_LONGEST)
    if len(first) <= _FIRST_LONGEST or cut < 0:
        return [first]
    return [first[: cut + 1], first[cut + 2 :]]


def _shorter(sentence: str) -> list[str]:
    """At the last comma, else the last space, before the longest length."""
    parts = []
    while len(sentence) > _LONGEST:
        cut = max(sentence.rfind(mark, 1, _LONGEST) for mark in (", ", "; ", ": "))
        cut = cut + 1 if cut > 0 else sentence.rfind(" ", 1, _LONGEST)
        cut = cut if cut > 0 else _LONGEST
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*parts, sentence] if sentence else parts
