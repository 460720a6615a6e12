"""What callers spell: account ID, ZIP code, invoice number, ticket number."""

from __future__ import annotations

import re

from worker.understanding import spoken

_SOUNDS_LIKE_AC = ("", "a", "c", "ac", "8c", "ec", "hc", "ic", "ace")
"""What speech to text makes of "A C" when the caller answers the question for the account."""
_ASKS_ACCOUNT = re.compile(r"\baccount\b", re.IGNORECASE)
_ASKS_ZIP = re.compile(r"\bzip\b|\bpostal\b|\bpost ?code\b", re.IGNORECASE)
_ASKS_TICKET = re.compile(r"\bticket\b", re.IGNORECASE)
_NAMES_ACCOUNT = re.compile(r"\baccount(?: i d| id| number| code)?(?: is| was| it's)?$")
_NAMES_ZIP = re.compile(
    r"\b(?:zip|zipcode|postal|post ?code|postcode)(?: ?code)?(?: (?:on|of|for) (?:the|my|that) account)?(?: is| was| it's| would be)?$"
)
_NAMES_TICKET = re.compile(r"\bticket(?: number| i d| id)?(?: is| was| it's)?(?: t k| tk)?$")
_ACCOUNT_THEN_DIGITS = re.compile(
    r"\baccount(?: i\.?d\.?| number| code)?(?: is| was)?\W*"
    r"(?:(?!(?:in|from|for|of|not|no|since|at|on|the|over|than)\b)[a-z]{1,4}\b\W*){0,4}((?:\d\W*){3}\d)(?!\W*\d)(?![\w$%])",
    re.IGNORECASE,
)
"""Every account ID begins with A C, so letters that were heard wrongly ("A. K-C-4-7-2-1", "A. Okay, C-4721") change nothing; the
look-up decides. Words that lead to a year or an amount ("in 2024") are none of them."""
_CORRECTS = re.compile(r"\b(?:sorry|i mean|no|actually|correction|rather)(?: it's| it is| its| that's)?$")
_FOR_A_NUMBER = re.compile(r"\b(?:for|to|too)\s+(?=\d[\d -]{3,})", re.IGNORECASE)
"""Before digits that were written as such, "for" is a word and no four."""
_SIGHS = re.compile(r"\W*oh\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.?!]+(?:[.?!](?!\s|$)[^.?!]*)*[.?!]*")
_OPEN = re.compile(
    r"\b(?:what is|what's|say|tell me|give me) (?:it|them|that|its number)\b|\b(?:once more|again|slowly)\b|\btake your time\b|\bits (?:five )?digits\b",
    re.IGNORECASE,
)
"""A last sentence that leaves open what it asks for: the sentence before it tells. Any other question asks for itself."""


def account_id(text: str, question: str) -> str:
    """AC and four digits, the last one said. A bare number counts when the account was asked for, named, or is being corrected."""
    account = ""
    for run in spoken.runs(text):
        code = re.sub(r"^a(?=(?:a|8)c\d)", "", run.code)  # the article of "a A C ..."
        if named := re.search(r"(?:a|8)c(\d{4})(?:\d{5})?$", code):  # a ZIP code may follow in one breath
            account = f"AC{named[1]}"
        elif bare := re.fullmatch(r"(\D*|8c)(\d{4})\2?", code):  # recognisers stutter: "4721 4721"
            is_meant = (
                _NAMES_ACCOUNT.search(run.before)
                or (_ASKS_ACCOUNT.search(question) and not _ASKS_ZIP.search(_asking(question)))
                or (account and _CORRECTS.search(run.before))
            )
            if is_meant and bare[1] in _SOUNDS_LIKE_AC:
                account = f"AC{bare[2]}"
    if not account and (spelled := _ACCOUNT_THEN_DIGITS.search(text)):
        account = "AC" + re.sub(r"\D", "", spelled[1])
    return account


def postal_code(text: str, question: str) -> str:
    """Five digits, the last ones said, when the ZIP code was asked for or named. Of nine digits ("97209-1234") the first five."""
    found = ""
    is_asked = bool(_ASKS_ZIP.search(_asking(question)))
    for run in spoken.runs(_FOR_A_NUMBER.sub("", text)):
        after_account = re.fullmatch(r"\D*(?:a|8)c\d{4}(\d{5})", run.code)
        code = run.code[1:] if _SIGHS.match(text) and re.fullmatch(r"0\d{5}", run.code) else run.code
        alone = re.fullmatch(r"(\d{5})(?:\1|\d{4})?[ai]?", _once(code))  # "97209, I think"
        if alone and (is_asked or _NAMES_ZIP.search(run.before) or (found and _CORRECTS.search(run.before))):
            found = alone[1]
        elif after_account and (is_asked or _ASKS_ACCOUNT.search(question) or _ASKS_ZIP.search(text)):
            found = after_account[1]
    return found


def _once(code: str) -> str:
    """Recognisers stutter over short digits: "97209 97209 97209 9" is said once."""
    return code[:5] if len(code) > 9 and code.isdigit() and code == (code[:5] * len(code))[: len(code)] else code


def leaves_open(said: str) -> bool:
    """Whether an agent's last sentence only asks for more, or again: what it asks for stands before it."""
    sentences = _SENTENCE.findall(said)
    return bool(sentences and _OPEN.search(sentences[-1]))


def invoice_number(text: str) -> str:
    """``INV-2026-03-0417``: ten digits that are named an invoice."""
    for run in spoken.runs(text):
        digits = re.search(r"(?:^|\D)(\d{10})$", run.code)
        is_named = run.code.startswith("inv") or re.search(r"\binvoice(?: number)?(?: is)?$", run.before)
        if digits and is_named:
            year, month, serial = digits[1][:4], digits[1][4:6], digits[1][6:]
            return f"INV-{year}-{month}-{serial}"
    return ""


def ticket_id(text: str, question: str) -> str:
    """``TK-30215``: T K and five digits; without the letters when a ticket is named or was asked for."""
    for run in spoken.runs(text):
        lettered = re.search(r"t(?:k|kay|c)(\d{5})$", run.code)
        bare = re.fullmatch(r"\d{5}", run.code)
        if lettered:
            return f"TK-{lettered[1]}"
        if bare and (_NAMES_TICKET.search(run.before) or _ASKS_TICKET.search(_asking(question))):
            return f"TK-{run.code}"
    return ""


def _asking(said: str) -> str:
    """The sentence that tells what is asked for: the last one, or one before it when the last only says "What is it?"."""
    sentences = _SENTENCE.findall(said)
    names = (s for s in reversed(sentences) if _ASKS_ZIP.search(s) or _ASKS_TICKET.search(s) or _ASKS_ACCOUNT.search(s))
    last = sentences[-1] if sentences else ""
    return next(names, "") if _OPEN.search(last) or not last.rstrip().endswith("?") else last
