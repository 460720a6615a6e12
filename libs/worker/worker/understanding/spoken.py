"""Letters and digits as they are spoken: "a C, four seven two one" -> codes, and a code -> what a voice says clearly."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "won": "1", "two": "2", "to": "2", "too": "2", "three": "3", "tree": "3",
    "four": "4", "for": "4", "fore": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "ate": "8", "nine": "9", "niner": "9",
}  # fmt: skip
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16",
    "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6", "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
_LETTERS = {
    "see": "c", "sea": "c", "cee": "c", "si": "c", "ay": "a", "eh": "a", "hey": "a", "aye": "a", "en": "n", "eye": "i", "vee": "v",
}  # fmt: skip
_TIMES = {"double": 2, "triple": 3}
_FILLERS = frozenset({"dash", "hyphen", "um", "uh", "er", "space", "minus"})
_TWO_LETTER_WORDS = frozenset(re.findall(
    r"\w+", "ah am an as at be by do er go he hi id if in is it me my no of oh ok on or so to uh um up us we"
))  # fmt: skip
"""Any other two letters in a row are letters that speech to text wrote together: "HC 4721"."""
_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|\|")
_NOT_A_CODE = re.compile(r"\$\s?\d[\d,.]*")
_SENTENCE_END = re.compile(r"(?<=\d)[.?!]\s+(?=[a-z])")
"""After a digit, a full stop before a word ends the code; inside ("A. C. 4. 7.") it does not."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive letters and digits, joined: ``code`` is lower case; ``before`` are the words before it."""

    code: str
    before: str


def runs(text: str) -> list[Run]:
    """Every stretch of spoken or written letters and digits, in order. Homophones ("to", "for") count as digits: judge the whole code."""
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", _NOT_A_CODE.sub(" | ", text.lower().replace("’", "'")))
    tokens = _TOKEN.findall(_SENTENCE_END.sub(" | ", plain))
    found: list[Run] = []
    before: list[str] = []
    code, at = "", 0
    while at < len(tokens):
        piece, used = _piece(tokens, at)
        if piece is None:
            if code:
                found.append(Run(code, " ".join(before)))
                before, code = [*before, code], ""
            if tokens[at] != "|":
                before.append(tokens[at])
        else:
            code += piece
        at += used
    return [*found, Run(code, " ".join(before))] if code else found


def _piece(tokens: list[str], at: int) -> tuple[str | None, int]:
    """What ``tokens[at]`` contributes to a code (None: it ends it), and how many tokens that used."""
    token = tokens[at]
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    if token in _TIMES:
        digit = after if len(after) == 1 and after.isdigit() else _UNITS.get(after)
        return (digit * _TIMES[token], 2) if digit else (None, 1)
    if token in _TENS:
        unit = _UNITS.get(after) if after not in ("o", "oh", "zero") else None
        return (_TENS[token] + unit, 2) if unit else (_TENS[token] + "0", 1)
    if token in _FILLERS:
        return "", 1
    if token.isdigit() or token in ("inv", "ace"):
        return token, 1
    coded = _UNITS.get(token) or _TEENS.get(token) or _LETTERS.get(token)
    if coded is None and token.isalpha() and (len(token) == 1 or (len(token) == 2 and token not in _TWO_LETTER_WORDS)):
        coded = token
    return coded, 1


def spelled(code: str) -> str:
    """``"RF-20417"`` -> ``"R F, 2 0 4 1 7"``: letters and digits one by one, a pause between the two kinds."""
    groups = re.findall(r"[A-Za-z]+|\d+", code)
    return ", ".join(" ".join(group.upper()) for group in groups)


def telephone(number: str) -> str:
    """``"5035550142"`` -> ``"5 0 3, 5 5 5, 0 1 4 2"``: digits one by one, a pause where people make one when they write it down."""
    digits = re.sub(r"\D", "", number)
    first = len(digits) % 10 if len(digits) > 10 else 0
    parts = [digits[:first], digits[first:-7], digits[-7:-4], digits[-4:]]
    return ", ".join(" ".join(part) for part in parts if part)


def money(amount: str) -> str:
    """``"49.9"`` -> ``"$49.90"``; whole dollars without cents; what is no number stays as it is."""
    if not re.fullmatch(r"\d+(?:\.\d+)?", amount.strip()):
        return amount
    value = f"{float(amount):,.2f}"
    return f"${value.removesuffix('.00')}"


_GLUED = re.compile(r"\b(?:[a-z]+\d|\d+[a-z])\w*")
_SCALES = {"hundred": 100, "thousand": 1000, "dozen": 12}
DIGIT_WORDS = {
    digit: f"(?:{digit}|{'|'.join(word for word, value in _UNITS.items() if value == digit)})" for digit in "0123456789"
}
"""A pattern for each digit, as it is written or said."""


def number(words: str) -> int | None:
    """``"a hundred and twenty"`` -> 120, ``"forty"``, ``"1,200"``, ``"two dozen"``; None when it is not a number and nothing else."""
    tokens = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=\d),(?=\d{3}\b)", "", words.lower()))
    total, group, is_number = 0, 0, False
    for at, token in enumerate(tokens):
        if token in _SCALES:
            group = max(group, 1) * _SCALES[token]
            if token == "thousand":
                total, group = total + group, 0
        elif (token in ("a", "an") and at == 0 and len(tokens) > 1 and tokens[1] in _SCALES) or (
            token == "and" and is_number and group % 100 == 0 and at < len(tokens) - 1
        ):
            continue
        else:
            value = _value(token)
            if value is None or not _goes_on(group, value):
                return None
            group += value
        is_number = True
    return total + group if is_number else None


def _goes_on(group: int, value: int) -> bool:
    """Whether ``value`` may follow in the same number: "fifty six" is one, "fifty sixty" and "ten five" are two each."""
    if group % 100 == 0:
        return group == 0 or 0 < value < 100
    return group % 10 == 0 and group % 100 >= 20 and 0 < value < 10


def numbers(text: str) -> list[int]:
    """Every number in a text, in order: the longest stretch of number words each. Digits glued to letters are a code's."""
    tokens = re.findall(r"[a-z]+|[\d,]*\d", _GLUED.sub(" code ", text.lower().replace("-", " ")))
    found, at = [], 0
    while at < len(tokens):
        ends = range(min(len(tokens), at + 7), at, -1)
        longest = next(((end, n) for end in ends if (n := number(" ".join(tokens[at:end]))) is not None), None)
        if longest is not None:
            found.append(longest[1])
        at = longest[0] if longest is not None else at + 1
    return found


def _value(token: str) -> int | None:
    if token.isdigit():
        return int(token)
    if token in _TENS:
        return int(_TENS[token]) * 10
    word = _TEENS.get(token) or (
        _UNITS.get(token) if token not in ("to", "too", "for", "won", "o", "oh", "ate", "tree") else None
    )
    return int(word) if word is not None else None
