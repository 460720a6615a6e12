"""Numbers as a listener writes them down, brought to one form, so that "forty nine dollars and ninety nine cents" and "$49.99"
are the same thing, and so are "R F two zero four one seven" and "RF-20417"."""

from __future__ import annotations

import re

_UNITS = {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_OH = {"oh": 0}

_TOKEN = re.compile(r"\$?\d[\d,]*(?:\.\d+)?|[A-Za-z]+(?:'[A-Za-z]+)?|[^\sA-Za-z\d]")
_MONEY_WORDS = re.compile(r"(?<![\d.])(\d+) dollars?(?:,? (?:and )?(\d{1,2}) cents?)?", re.IGNORECASE)
_SPLIT_PRICE = re.compile(r"\$(\d+)[ ,]+(\d{2})\b(?!\d)")
_SPELLED = re.compile(
    r"\b[A-Z](?:[ .,-]{0,2}[A-Z]){1,2}[ .,-]{0,3}(?:(?:dash|hyphen)[ ,]{0,2})?\d(?:[ ,-]{0,2}\d){2,}\b"
)
_LETTERS_AS_WORDS = {
    "are": "R", "our": "R", "ar": "R", "see": "C", "sea": "C", "be": "B", "bee": "B", "tea": "T", "you": "U", "why": "Y",
}  # fmt: skip
_LETTER_AS_WORD = re.compile(rf"\b({'|'.join(_LETTERS_AS_WORDS)})(?=[ .,]{{1,2}}[A-Z][ .,]{{0,3}}\d)", re.IGNORECASE)


def normalised(text: str) -> str:
    """Lower case, number words as digits, money as ``$49.99``, spelled ids in one piece (``rf20417``).

    A letter that was taken for a word before a letter and digits ("are F 204 17") is a letter again.
    Only for comparing: readers get the transcript as it is.
    """
    words = _digits(_TOKEN.findall(text.replace("-", " ")))
    joined = re.sub(r"\s+([.,!?;:])", r"\1", " ".join(words))
    joined = _MONEY_WORDS.sub(_price, joined)
    joined = _SPLIT_PRICE.sub(r"$\1.\2", joined)
    joined = _LETTER_AS_WORD.sub(lambda m: _LETTERS_AS_WORDS[m[1].lower()], joined)
    joined = _SPELLED.sub(lambda m: re.sub(r"dash|hyphen|[^A-Z\d]", "", m.group()), joined)
    return joined.lower()


def plain(value: str) -> str:
    """Letters and digits only, in lower case: how fact values are compared."""
    return re.sub(r"[^a-z\d]", "", value.lower())


def _price(match: re.Match[str]) -> str:
    return f"${match[1]}.{int(match[2]):02d}" if match[2] else f"${match[1]}"


def _digits(words: list[str]) -> list[str]:
    """Number words replaced by digits: "forty nine" 49, "one hundred twenty" 120, "two zero four" 2 0 4."""
    out: list[str] = []
    index = 0
    while index < len(words):
        value, used = _number_at(
            [word.lower() for word in words[index - 1 if index else 0 : index + 8]], 1 if index else 0
        )
        out.append(words[index] if value is None else str(value))
        index += max(used, 1)
    return out


def _number_at(words: list[str], index: int) -> tuple[int | None, int]:
    value, used = _below_hundred(words, index)
    if value is None:
        return None, 0
    for word, factor in (("hundred", 100), ("thousand", 1000)):
        if words[index + used : index + used + 1] == [word] and value < factor:
            value, used = value * factor, used + 1
            skip = 1 if words[index + used : index + used + 1] == ["and"] else 0
            rest, more = _below_hundred(words, index + used + skip)
            if rest is not None:
                value, used = value + rest, used + skip + more
    return value, used


def _below_hundred(words: list[str], index: int) -> tuple[int | None, int]:
    word = words[index] if index < len(words) else ""
    if word in _TENS:
        unit = _UNITS.get(words[index + 1], 0) if index + 1 < len(words) else 0
        return _TENS[word] + unit, 2 if unit else 1
    for table in (_TEENS, _UNITS):
        if word in table:
            return table[word], 1
    follows_digit = index > 0 and (words[index - 1] in _UNITS or words[index - 1] in _OH)
    return (0, 1) if word in _OH and follows_digit else (None, 0)
