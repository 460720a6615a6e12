"""A telephone number that a caller says, however he says it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_lowercase

from worker.understanding import spoken

_DIGITS = re.compile(r"(?<!\d)1?\d{10}(?!\d)")
_ASKS = re.compile(r"\b(?:call you|reach you|your (?:phone |telephone )?number)\b", re.IGNORECASE)
"""Also what repeats a number that was heard wrong."""
_TELLS = re.compile(
    r"\b(?:call me|reach me|ring me|phone me|my (?:phone|cell|mobile|number)|(?:phone|cell|mobile) (?:is|number))\b",
    re.IGNORECASE,
)
_INVOICE = re.compile(r"20\d\d(?:0[1-9]|1[0-2])\d{4}")
"""As invoices are numbered: 2026-03-0042."""


def phone_number(text: str) -> str:
    """Ten digits, or eleven with the country's 1, without anything between them; an invoice number is none. Empty when there is none."""
    for run in spoken.runs(text):
        if "invoice" in run.before:
            continue
        # A word behind it may have become a letter ("I think") or a digit ("for an hour").
        for code in (run.code, run.code.rstrip(ascii_lowercase), run.code[:-1]):
            if found := _DIGITS.fullmatch(code):
                return found[0]
    return ""


def callback_number(exchanges: Iterable[tuple[str, str]]) -> str:
    """The last one among ``exchanges`` (what an agent asked, what the caller answered) that is said of being called; empty when none is."""
    found = ""
    for question, answer in exchanges:
        number = phone_number(answer)
        was_asked = bool(_ASKS.search(question))
        if number and (was_asked or _TELLS.search(answer)) and (was_asked or not _INVOICE.fullmatch(number)):
            found = number
    return found
