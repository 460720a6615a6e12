"""A telephone number that a caller says, however he says it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from worker.understanding import spoken

_DIGITS = re.compile(r"\+?1?\d{10}")
_ABOUT_CALLING = re.compile(r"\b(?:call(?:ed|ing)?|reach(?:ed)?|phone|cell|mobile|ring)\b", re.IGNORECASE)


def phone_number(text: str) -> str:
    """Ten digits, or eleven with the country's 1, without anything between them; an invoice number is none. Empty when there is none."""
    codes = (run.code for run in spoken.runs(text) if "invoice" not in run.before)
    return next((code for code in codes if _DIGITS.fullmatch(code)), "")


def callback_number(exchanges: Iterable[tuple[str, str]]) -> str:
    """The last one among ``exchanges`` (what an agent asked, what the caller answered) that is said of being called; empty when none is."""
    found = ""
    for question, answer in exchanges:
        if _ABOUT_CALLING.search(question) or _ABOUT_CALLING.search(answer):
            found = phone_number(answer) or found
    return found
