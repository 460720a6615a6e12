"""Takes out of free text what no other service needs: cards, phone numbers, e-mail and street addresses, however spoken.

What a call is about must survive: account ids (AC4721, "A C 4 7 2 1"), invoice numbers, months, dates and amounts.
"""

from __future__ import annotations

import re

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
_NAMED = re.compile(
    r"\b(?:invoice|account|order|ticket|reference|case)(?:\s+(?:number|no|id|code|is|was|it's))*[\s:#.]*$",
    re.IGNORECASE,
)
# Every repetition is bounded: a long text costs time in proportion to its length, whatever is in it.
_EMAIL = re.compile(r"[\w.+%-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SPOKEN_EMAIL = re.compile(
    r"(?<![\w+-])[\w+-]{1,64}(?:\s{1,3}(?:dot|underscore|dash)\s{1,3}[\w+-]{1,64}){0,4}\s{1,3}at\s{1,3}"
    r"[\w-]{1,63}(?:(?:\s{1,3}dot\s{1,3}|\.)[\w-]{1,63}){0,4}(?:\s{1,3}dot\s{1,3}|\.)"
    r"(?:com|net|org|io|co|edu|gov|info|biz|de|uk|eu|fr|es|it|nl|ca|au|us)\b",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b\d{1,5}\s{1,3}(?:[A-Z][\w']{0,30}\.?\s{1,3}){1,3}"
    r"(?:[Ss]treet|[Aa]venue|[Rr]oad|[Ll]ane|[Dd]rive|[Bb]oulevard|[Cc]ourt|[Ss]quare|St|Ave|Rd|Blvd)\b"
)


def redact(text: str) -> str:
    """``text`` with [card], [number], [phone], [email] and [address] in place of the real ones. Idempotent."""
    text = _EMAIL.sub("[email]", text)
    text = _SPOKEN_EMAIL.sub("[email]", text)
    text = _STREET.sub("[address]", text)
    return _redact_numbers(text, phones=True)


def redact_cards(text: str) -> str:
    """Only what is as long as a card: for the value of a fact that is a number by its nature, an invoice's say."""
    return _redact_numbers(text, phones=False)


def is_card(digits: str) -> bool:
    """True for 13 to 19 digits whose check digit is right (Luhn, ISO/IEC 7812-1)."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _redact_numbers(text: str, *, phones: bool) -> str:
    """Walks the text; what _KEPT matches is kept (unless a card hides in it), runs of digits between are judged."""
    out: list[str] = []
    at = 0
    for kept in _KEPT.finditer(text):
        if kept.start() < at:
            continue
        out.append(_judge_runs(text, at, kept.start(), phones=phones))
        out.append(_without_card(kept.group()))
        at = kept.end()
    out.append(_judge_runs(text, at, len(text), phones=phones))
    return "".join(out)


def _without_card(kept: str) -> str:
    return "[card]" if is_card(re.sub(r"\D", "", kept)) else kept


def _judge_runs(text: str, start: int, end: int, *, phones: bool) -> str:
    def judged(run: re.Match[str]) -> str:
        before = text[max(0, run.start() - _NAMED_WITHIN_CHARS) : run.start()]
        verdict = _verdict(run.group(), before=before, phones=phones)
        if verdict is None:
            return run.group()
        tail = run.group()[len(run.group().rstrip()) :]
        return verdict + tail

    out: list[str] = []
    at = start
    for run in _RUN.finditer(text, start, end):
        out.append(text[at : run.start()])
        out.append(judged(run))
        at = run.end()
    out.append(text[at:end])
    return "".join(out)


def _verdict(run: str, *, before: str, phones: bool) -> str | None:
    tokens = _TOKEN.findall(run)
    digits = "".join(_digits(token) for token in tokens)
    if is_card(digits):
        return "[card]"
    if len(digits) >= 13:
        # One digit heard wrong breaks the check sum; nothing a service needs is this long.
        return "[number]"
    if phones and not _NAMED.search(before) and _is_phone(run, tokens, digits):
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
