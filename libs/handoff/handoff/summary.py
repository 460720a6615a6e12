"""Two or three sentences on what a call is about, made without a model. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff.call import Fact, Intent, Role, Turn

MAX_SUMMARY_CHARS = 600
MAX_QUOTE_CHARS = 200
_LAST_CALLER_TURNS = 5
"""Among these the longest is quoted: "yes" and "thanks" say less than the complaint before them."""


def summarise(intent: Intent, facts: Sequence[Fact], turns: Sequence[Turn]) -> str:
    """Intent, known facts and the caller's own most telling turn. ``turns`` are expected to be redacted already."""
    subject = intent.name.replace("_", " ")
    sure = "" if intent.confidence >= 0.5 else " (not certain)"
    sentences = [f"The caller needs help with {subject}{sure}."]
    if facts:
        known = ", ".join(f"{fact.name.replace('_', ' ')} {_one_sentence(fact.value)}" for fact in facts)
        sentences.append(f"Known so far: {known}.")
    quote = _most_telling(turns)
    if quote:
        sentences.append(f'The caller said: "{quote}".')
    return clip(" ".join(sentences), MAX_SUMMARY_CHARS)


def clip(text: str, limit_chars: int) -> str:
    """``text`` on one line, cut at a word when it is longer than ``limit_chars``."""
    text = " ".join(text.split())
    if len(text) <= limit_chars:
        return text
    head = text[: limit_chars - 1]
    return (head[: head.rfind(" ")] if " " in head else head).rstrip(" ,;:") + "…"


def _most_telling(turns: Sequence[Turn]) -> str:
    said = [turn.text for turn in turns if turn.role is Role.CALLER and turn.text.strip()]
    if not said:
        return ""
    longest = max(reversed(said[-_LAST_CALLER_TURNS:]), key=len)
    return clip(_one_sentence(longest), MAX_QUOTE_CHARS)


def _one_sentence(text: str) -> str:
    return re.sub(r"[.?!]+\s+", ", ", text.strip()).rstrip(".?! ")
