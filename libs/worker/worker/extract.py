"""Facts in a caller's words: account ID, invoice number, amount, month. What is not clear is not a fact: the agent asks."""

from __future__ import annotations

import re

from worker import spoken

FACT_NAMES = ("account_id", "invoice_number", "amount", "date")

_SOUNDS_LIKE_AC = ("", "a", "c", "ac", "8c", "ec", "hc", "ic", "ace")
"""What speech to text makes of "A C" when the caller answers the question for the account."""
_ASKS_ACCOUNT = re.compile(r"\baccount\b", re.IGNORECASE)
_ASKS_AMOUNT = re.compile(r"\bamount\b|\bhow much\b", re.IGNORECASE)
_NAMES_ACCOUNT = re.compile(r"\baccount(?: i d| id| number| code)?(?: is| was| it's)?$")
_ACCOUNT_THEN_DIGITS = re.compile(
    r"\baccount(?: i\.?d\.?| number| code)?(?: is| was)?\W*(?:(?:[a-z]|[a-z]c)\b\W*){0,3}((?:\d\W*){4})(?![\w$%])",
    re.IGNORECASE,
)
"""Every account ID begins with A C, so letters that were heard wrongly ("A. K-C-4-7-2-1") change nothing; the look-up decides."""
_CORRECTS = re.compile(r"\b(?:sorry|i mean|no|actually|correction|rather)(?: it's| it is| its| that's)?$")

_MONTHS = {
    "january": ("jan",), "february": ("feb",), "march": ("mar",), "april": ("apr",), "may": (), "june": ("jun",), "july": ("jul",),
    "august": ("aug",), "september": ("sep", "sept"), "october": ("oct",), "november": ("nov",), "december": ("dec",),
}  # fmt: skip
_MONTH_OF = {word: month.title() for month, short in _MONTHS.items() for word in (month, *short)}
_MONTH = re.compile(rf"\b({'|'.join(sorted(_MONTH_OF, key=len, reverse=True))})\b\.?", re.IGNORECASE)
_BILLING_NOUN = re.compile(r"\W+(?:'s )?(?:invoice|bill|statement|charge|payment|subscription|\d)", re.IGNORECASE)
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


def facts_in(text: str, previous_question: str) -> list[tuple[str, str]]:
    """(name, value) for every fact in ``text``; ``previous_question`` is what the agent said last (it tells what a bare number is)."""
    invoice_number = _invoice_number(text)
    found = [
        ("account_id", _account_id(text, previous_question)),
        ("invoice_number", invoice_number),
        ("amount", _amount(text, previous_question)),
        ("date", _month(text) or _month_of_invoice(invoice_number)),
    ]
    return [(name, value) for name, value in found if value]


def _account_id(text: str, question: str) -> str:
    """AC and four digits, the last one said. A bare number counts when the account was asked for, named, or is being corrected."""
    account = ""
    for run in spoken.runs(text):
        code = re.sub(r"^a(?=(?:a|8)c\d)", "", run.code)  # the article of "a A C ..."
        if named := re.search(r"(?:a|8)c(\d{4})$", code):
            account = f"AC{named[1]}"
        elif bare := re.fullmatch(r"(\D*|8c)(\d{4})", code):
            is_meant = (
                _NAMES_ACCOUNT.search(run.before)
                or _ASKS_ACCOUNT.search(question)
                or (account and _CORRECTS.search(run.before))
            )
            if is_meant and bare[1] in _SOUNDS_LIKE_AC:
                account = f"AC{bare[2]}"
    if not account and (spelled := _ACCOUNT_THEN_DIGITS.search(text)):
        account = "AC" + re.sub(r"\D", "", spelled[1])
    return account


def _invoice_number(text: str) -> str:
    for run in spoken.runs(text):
        digits = re.search(r"(?:^|\D)(\d{10})$", run.code)
        is_named = run.code.startswith("inv") or re.search(r"\binvoice(?: number)?(?: is)?$", run.before)
        if digits and is_named:
            year, month, serial = digits[1][:4], digits[1][4:6], digits[1][6:]
            return f"INV-{year}-{month}-{serial}"
    return ""


def _month_of_invoice(number: str) -> str:
    """The month that an invoice number names: INV-2026-03-... is March's."""
    month = int(number[9:11]) if number else 0
    return list(_MONTHS)[month - 1].title() if 1 <= month <= 12 else ""


def _amount(text: str, question: str) -> str:
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


def _month(text: str) -> str:
    """The last month named, e.g. ``"March"``."""
    month = ""
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
            month = _MONTH_OF[word]
    return month
