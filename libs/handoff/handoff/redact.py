"""Takes out of free text what no other service needs: cards, phone numbers, e-mail and street addresses, however spoken.

What a call is about must survive: account ids (AC4721, "A C 4 7 2 1"), invoice numbers, months, dates and amounts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

_UNITS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4",
    "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fifty": "5",
    "sixty": "6", "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
_TIMES = {"double": 2, "triple": 3}

# The longest first: "one" is not an "o" followed by something.
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_WORD = f"(?:{'|'.join(_TENS)})(?:[ -](?:{_UNIT}))?|{'|'.join(_TEENS)}|{_UNIT}"
_PIECE = rf"(?:\d+|(?<![^\W\d_])(?:(?:double|triple)\s+(?:{_UNIT}|\d)|{_WORD})(?![^\W\d_]))"
_RUN = re.compile(rf"\+?\(?{_PIECE}(?:[\s.,()\-]{{0,3}}{_PIECE})*", re.IGNORECASE)
_GAP = r"(?:[\s.,;:/()\-–—]|\b(?:u[hm]|er|and|then|dash|hyphen|space)\b){0,12}"
_SPREAD = re.compile(rf"{_PIECE}(?:{_GAP}{_PIECE}){{3,24}}", re.IGNORECASE)
"""Digits with what a caller says between them: judged as a card only."""
_TOKEN = re.compile(rf"\d+|(?:double|triple)\s+(?:{_UNIT}|\d)|{_WORD}", re.IGNORECASE)

_KEPT = re.compile(
    r"""
      [$€£]\s?\d[\d,]*(?:\.\d+)?                      # an amount with its sign
    | (?<![\d.])\d{1,6}(?:,\d{3})*\.\d{2}(?![\d.])    # an amount without
    | (?<![\d-])(?:19|20)\d{2}-\d{2}-\d{2}(?![\d-])   # a date
    | (?<!\d)\d{1,2}[/.]\d{1,2}[/.](?:\d{4}|\d{2})(?!\d)
    | (?<![^\W_])[A-Za-z]{1,4}[-_]?\d[\w-]*           # an id: AC4721, INV-2026-03-0042, RF-20417
    """,
    re.VERBOSE,
)
_NAMED_WITHIN_CHARS = 60
_WORDS_BESIDE_DIGITS = 6
_PAYMENT_CARD = re.compile(r"[3-6]\d{14,15}")
"""Stricter than is_card: an account ID and a ZIP code said one after the other are no card, though one in ten has the check digit."""
_MISHEARD_CARD = re.compile(r"[2-6]\d{14,17}")
"""Of a card that is read out a digit may be lost, or heard twice."""
_REPEATED = re.compile(r"(\d{4,11})\1+\d{0,4}")
_NAMED = re.compile(
    r"\b(?:(invoice)|account|order|ticket|reference|(?<!in )(?<!any )case)(?:\s+(?:number|no|id|code|is|was|it's))*[\s:#.]*$",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b(?:phone|cell|mobile|call|reach|text)\b", re.IGNORECASE)
# Every repetition is bounded: a long text costs time in proportion to its length, whatever is in it.
_EMAIL = re.compile(r"[\w.+%-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_LOCAL_PART = (
    r"(?:[a-z0-9][\s.,-]{1,3}){0,30}"  # spelled: "s a r a h"
    r"[\w+-]{1,64}(?:\s{1,3}(?:dot|underscore|dash|hyphen|plus)\s{1,3}[\w+-]{1,64}){0,4}"
    rf"(?:\s{{1,3}}(?:{_WORD}|\d{{1,4}})){{0,4}}"  # "sarah chen four two"
)
_SPOKEN_EMAIL = re.compile(
    rf"(?<![\w'+-]){_LOCAL_PART}\s{{1,3}}at\s{{1,3}}"
    r"(?!(?:log ?in|start(?:up)?|the|this|that|my|our|your|work|home)\b)"  # "it fails at login on app dot acme dot com"
    r"(?:sign\s{1,3})?(?:[\w-]{1,63}\s{1,3}){0,2}?"  # "at g mail dot com"
    r"[\w-]{1,63}(?:(?:\s{1,3}dot\s{1,3}|\.)[\w-]{1,63}){0,4}(?:\s{1,3}dot\s{1,3}|\.)"
    r"(?:com|net|org|io|co|edu|gov|info|biz|dev|app|ai|cloud|live|pro|me|de|uk|eu|fr|es|it|nl|ch|ca|au|nz|us|in|jp)\b",
    re.IGNORECASE,
)
_STREET_TYPE = r"(?:street|avenue|road|lane|drive|boulevard|court|square|terrace|parkway|highway)"
_STREET = re.compile(
    # As people and some engines write it ...
    r"\b\d{1,5}\s{1,3}(?:(?:(?!Cloud\b)[A-Z][\w']{0,30}\.?|\d{1,3}(?:st|nd|rd|th))\s{1,3}){1,3}"
    rf"(?:(?i:{_STREET_TYPE})|St|Ave|Rd|Blvd|Dr|Ln|Way|Place|Pl|Circle|Plaza|Trail)\b"
    # ... and as it is said. Words that no street is called keep "two minutes down the road" and "three Cloud Drive seats".
    rf"|(?i:(?<![\w-])(?:\d{{1,5}}|(?:{_WORD})(?:[\s-]{{1,3}}(?:{_WORD}|hundred|thousand)){{0,5}})\s{{1,3}}"
    r"(?:(?!(?:cloud|the|a|an|of|my|our|your|this|that|in|on|at|to|for|from|by|down|up|is|was|and|or|way|one|times?|seconds?|minutes?|"
    r"hours?|days?|weeks?|months?|years?|miles?|people|seats?|dollars?)\b)[a-z][\w']{0,30}\.?\s{1,3}){1,3}"
    rf"{_STREET_TYPE}\b)"
)
_POSTAL = re.compile(r"\b(?:zip(?:[ -]?code)?|postal|postcode|post code)\b", re.IGNORECASE)
_OTHER_MATTER = re.compile(
    r"\b(?:account|invoice|amount|reference|refund|ticket|error|product|plan|date|seats?)\b", re.I
)


def redact(text: str) -> str:
    """``text`` with [card], [number], [phone], [email] and [address] in place of the real ones. Idempotent."""
    text = _EMAIL.sub("[email]", text)
    text = _SPOKEN_EMAIL.sub("[email]", text)
    text = _STREET.sub("[address]", text)
    return _redact_numbers(text, phones=True)


def card_pieces(texts: Sequence[str]) -> frozenset[int]:
    """Which of these consecutive turns of a caller hold one card between them: each says little else than some digits."""
    said = [_digits_alone(text) for text in texts]
    found: set[int] = set()
    for first in range(len(said)):
        digits = ""
        for last in range(first, len(said)):
            if not said[last]:
                break
            digits += said[last]
            if last > first and _PAYMENT_CARD.fullmatch(digits) and is_card(digits):
                found.update(range(first, last + 1))
    return frozenset(found)


def redact_all_digits(text: str) -> str:
    """For a turn that ``card_pieces`` has found."""
    return _RUN.sub("[card]", text)


def _digits_alone(text: str) -> str:
    runs = ["".join(_digits(token) for token in _TOKEN.findall(run.group())) for run in _RUN.finditer(text)]
    says_more = len(_RUN.sub(" ", text).split()) > _WORDS_BESIDE_DIGITS
    return runs[0] if len(runs) == 1 and 2 <= len(runs[0]) <= 12 and not says_more else ""


def redact_cards(text: str) -> str:
    """Only what is as long as a card, for what a service needs whole: a caller's turn in its own call, or an invoice's number. A code or a
    telephone number that speech to text has heard twice in one breath is none."""
    return _redact_numbers(text, phones=False)


def redact_postal_codes(text: str, *, question: str, known: Collection[str] = ()) -> str:
    """``text`` with [postal code] in place of what a caller says to prove who he is.

    ``question`` is what an agent asked before ("" for none): in the answer to a question for the ZIP code every number goes, for it
    may come in pieces or be heard wrongly. Elsewhere those beside the word itself do, and the ``known`` codes wherever they are.
    """
    answers = _asks_for_postal_code(question)
    named = _POSTAL.search(text)
    codes = {re.sub(r"\D", "", code) for code in known} - {""}

    def verdict(run: re.Match[str]) -> str | None:
        digits = "".join(_digits(token) for token in _TOKEN.findall(run.group()))
        follows = named is not None and run.start() >= named.end()
        follows = follows and not _OTHER_MATTER.search(text, named.end() if named else 0, run.start())
        beside = named is not None and (len(digits) in (5, 9) or (len(digits) >= 3 and follows))
        is_code = beside or (answers and 2 <= len(digits) <= 9) or any(digits.endswith(code) for code in codes)
        return "[postal code]" if is_code else None

    return _walk(text, verdict) if answers or named or codes else text


def is_card(digits: str) -> bool:
    """True for 13 to 19 digits whose check digit is right (Luhn, ISO/IEC 7812-1)."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _is_repeated(digits: str) -> bool:
    """97209 97209 97209 9: a recogniser's stutter, or a caller who says his number twice."""
    found = _REPEATED.fullmatch(digits)
    return found is not None and len(set(found[1])) > 1


def _redact_numbers(text: str, *, phones: bool) -> str:
    """Cards, long numbers and (with ``phones``) phone numbers go."""

    def verdict(run: re.Match[str]) -> str | None:
        before = text[max(0, run.start() - _NAMED_WITHIN_CHARS) : run.start()]
        return _verdict(run.group(), before=before, phones=phones)

    return _walk(_without_spread_cards(text, but_repeated=not phones), verdict)


def _without_spread_cards(text: str, *, but_repeated: bool) -> str:
    def judged(run: re.Match[str]) -> str:
        digits = "".join(_digits(token) for token in _TOKEN.findall(run.group()))
        return "[card]" if is_card(digits) and not (but_repeated and _is_repeated(digits)) else run.group()

    return _SPREAD.sub(judged, text)


def _walk(text: str, verdict: Callable[[re.Match[str]], str | None]) -> str:
    """Walks the text; what _KEPT matches is kept (unless a card hides in it), runs of digits between are judged."""
    out: list[str] = []
    at = 0
    for kept in _KEPT.finditer(text):
        if kept.start() < at:
            continue
        out.append(_judge_runs(text, at, kept.start(), verdict))
        out.append(_without_card(kept.group()))
        at = kept.end()
    out.append(_judge_runs(text, at, len(text), verdict))
    return "".join(out)


def _without_card(kept: str) -> str:
    return "[card]" if is_card(re.sub(r"\D", "", kept)) else kept


def _judge_runs(text: str, start: int, end: int, verdict: Callable[[re.Match[str]], str | None]) -> str:
    out: list[str] = []
    at = start
    for run in _RUN.finditer(text, start, end):
        out.append(text[at : run.start()])
        said = run.group()
        judged = verdict(run)
        out.append(said if judged is None else judged + said[len(said.rstrip()) :])
        at = run.end()
    out.append(text[at:end])
    return "".join(out)


def _asks_for_postal_code(question: str) -> bool:
    """Whether the code is what is asked for, not only what was spoken of before another question."""
    if not _POSTAL.search(question):
        return False
    asked = [sentence for sentence in re.split(r"(?<=[.?!])\s+", question) if sentence.endswith("?")]
    last = asked[-1] if asked else question
    return _POSTAL.search(last) is not None or not _OTHER_MATTER.search(last)


def _verdict(run: str, *, before: str, phones: bool) -> str | None:
    tokens = _TOKEN.findall(run)
    digits = "".join(_digits(token) for token in tokens)
    if not phones and _is_repeated(digits):
        return None
    if is_card(digits):
        return "[card]"
    # One digit heard wrong breaks the check sum; nothing another service needs is this long. In its own call a caller says more.
    if len(digits) >= 13 and (phones or _MISHEARD_CARD.fullmatch(digits)):
        return "[number]"
    named = _NAMED.search(before)
    # Of what is named, only an invoice's number is as long as a phone's.
    is_named = named is not None and (named[1] or len(digits) < 10) and not _CALLED.search(before)
    if phones and not is_named and _is_phone(run, tokens, digits):
        return "[phone]"
    return None


def _digits(token: str) -> str:
    words = re.split(r"[\s-]+", token.lower())
    if words[0] in _TIMES:
        return _UNITS.get(words[1], words[1]) * _TIMES[words[0]]
    if words[0] in _TENS:
        return _TENS[words[0]] + (_UNITS[words[1]] if len(words) > 1 else "0")
    return _TEENS.get(words[0]) or _UNITS.get(words[0]) or token


def _is_phone(run: str, tokens: list[str], digits: str) -> bool:
    """10 digits or more; or 7 to 9 written as phone numbers are, or said one by one."""
    if run.startswith("+") and len(digits) >= 7:
        return True
    if len(digits) >= 10:
        return True
    said_one_by_one = len(tokens) >= 5 and sum(len(t) > 1 and t.isdigit() for t in tokens) == 0
    grouped = re.fullmatch(r"(?:\(?\d{2,4}\)?[ .-]){1,2}\d{3,4}", run) is not None
    return len(digits) >= 7 and (said_one_by_one or grouped)
