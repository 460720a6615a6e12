"""Amounts and months in a caller's words."""

from __future__ import annotations

import re

from worker.understanding import spoken

_ASKS_AMOUNT = re.compile(r"\bamount\b|\bhow much\b", re.IGNORECASE)

_MONTHS = {
    "january": ("jan",), "february": ("feb",), "march": ("mar",), "april": ("apr",), "may": (), "june": ("jun",), "july": ("jul",),
    "august": ("aug",), "september": ("sep", "sept"), "october": ("oct",), "november": ("nov",), "december": ("dec",),
}  # fmt: skip
_MONTH_OF = {word: month.title() for month, short in _MONTHS.items() for word in (month, *short)}
_MONTH = re.compile(rf"\b({'|'.join(sorted(_MONTH_OF, key=len, reverse=True))})\b\.?", re.IGNORECASE)
_BILLING_NOUN = re.compile(
    r"\W+(?:'s )?(?:invoice|bill|statement|charge|payment|subscription|the [a-z]+(?:th|st|nd|rd)\b|(?:twenty|thirty)[ -][a-z]+(?:th|st|nd|rd)\b|[a-z]*(?:first|second|third|th)\b|\d)",
    re.IGNORECASE,
)
_BEFORE_MONTH = re.compile(r"\b(?:in|for|from|of|my|last|this|since|during|the|on|no|is|was|it's)\W+$", re.IGNORECASE)
_AMBIGUOUS = ("may", "march", "mar", "jan")
"""Also a verb, or part of another word: they need a neighbour that makes them a month."""

_MONEY = re.compile(
    r"(?:\$|\busd )\s?(\d[\d,]*(?:\.\d{1,2})?)(?!\d)|(?<![\d.])(\d{1,6}\.\d{2})(?![\d.])", re.IGNORECASE
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMBER = rf"(?:(?:{_TENS})(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|\d{{1,6}}|[a-z]+teen|ten|eleven|twelve|one|two|three|four|five|six|seven|eight|nine)"
_DOLLARS = re.compile(rf"\b({_NUMBER}) dollars?(?:(?: and)? ({_NUMBER})(?: cents?)?)?", re.IGNORECASE)
_BARE_PAIR = re.compile(rf"\b((?:{_TENS}|\d{{1,3}})[ -]?\w*) ((?:{_TENS})[ -]?\w*)\b", re.IGNORECASE)


def month_of_invoice(number: str) -> str:
    """The month that an invoice number names: INV-2026-03-... is March's."""
    month = int(number[9:11]) if number else 0
    return list(_MONTHS)[month - 1].title() if 1 <= month <= 12 else ""


def amount(text: str, question: str) -> str:
    """Dollars and cents, e.g. ``"49.99"``; "forty nine ninety nine" counts where money is spoken of."""
    if written := _MONEY.search(text):
        return (written[1] or written[2]).replace(",", "")
    if said := _DOLLARS.search(text):
        whole, cents = _digits(said[1]), _digits(said[2] or "")
        return f"{whole}.{cents:0>2}" if cents else whole
    pair = _BARE_PAIR.search(text)
    if pair and (
        _ASKS_AMOUNT.search(question) or re.search(r"\b(?:charged|paid|refund|amount)\b", text, re.IGNORECASE)
    ):
        whole, cents = _digits(pair[1]), _digits(pair[2])
        return f"{whole}.{cents}" if whole and len(cents) == 2 else ""
    return ""


def _digits(words: str) -> str:
    codes = [run.code for run in spoken.runs(words)]
    return codes[0] if len(codes) == 1 and codes[0].isdigit() else ""


def month(text: str) -> str:
    """The last month named, e.g. ``"March"``."""
    found = ""
    for match in _MONTH.finditer(text):
        word = match[1].lower()
        is_month = (
            word not in _AMBIGUOUS
            or _BILLING_NOUN.match(text[match.end() :])
            or _BEFORE_MONTH.search(text[: match.start()])
        )
        if (
            is_month
            or (word == "march" and text[match.start()] == "M" and match.start() > 0)
            or text.strip(" .!?") == match[1]
        ):
            found = _MONTH_OF[word]
    return found
