"""What callers and models write for accounts, months and amounts, brought into the one form that the tables use."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Unreadable(ValueError):
    """The words cannot be read. The message says what was wanted, in words an agent can say; it never quotes them."""


@dataclass(frozen=True, slots=True)
class Month:
    """``number`` 1 to 12; ``year`` None for the newest month of that name."""

    number: int
    year: int | None = None

    def __str__(self) -> str:
        return MONTHS[self.number - 1] + (f" {self.year}" if self.year else "")


def account_id(words: str) -> str:
    """``"a c 4 7 2 1"``, ``"AC-4721"``, ``"ac four seven two one"`` -> ``"AC4721"``. Raises Unreadable."""
    tokens = re.findall(r"[a-z]+|[0-9]+", words.lower())
    compact = "".join(_DIGITS.get(token, token) for token in tokens)
    if not re.fullmatch(r"ac[0-9]{4}", compact):
        raise Unreadable("An account ID is the letters A C and four digits.")
    return compact.upper()


def postal_code(words: str) -> str:
    """``"97209"``, ``"nine seven two oh nine"``, ``"97209-1234"`` -> ``"97209"``. Raises Unreadable."""
    tokens = re.findall(r"[a-z]+|[0-9]+", words.lower())
    digits = "".join(_DIGITS.get(token, token) for token in tokens)
    if not re.fullmatch(r"[0-9]{5}([0-9]{4})?", digits):
        raise Unreadable("A ZIP code is five digits.")
    return digits[:5]


def date(words: str) -> datetime.date:
    """``"2026-03-14"``. Raises Unreadable."""
    try:
        return datetime.date.fromisoformat(words.strip())
    except ValueError:
        raise Unreadable("The date is not clear: give it as year, month, day, such as 2026-03-14.") from None


def spoken_date(day: datetime.date) -> str:
    """``"March 14"``: how an agent says it."""
    return f"{MONTHS[day.month - 1]} {day.day}"


def month(words: str) -> Month:
    """``"march"``, ``"Mar 2026"``, ``"2026-03"``, ``"2026-03-14"``, ``"3"``, ``"my March invoice"``. Raises Unreadable."""
    text = words.lower().strip()
    if iso := re.match(r"(\d{4})-(\d{1,2})\b", text):
        return _month(int(iso[2]), int(iso[1]))
    if re.fullmatch(r"\d{1,2}", text):
        return _month(int(text), None)
    year = re.search(r"\b(20\d\d)\b", text)
    for word in re.findall(r"[a-z]+", text):
        for number, name in enumerate(MONTHS, start=1):
            if len(word) >= 3 and name.lower().startswith(word):
                return _month(number, int(year[1]) if year else None)
    raise Unreadable("The month is not clear: say a month such as March.")


def _month(number: int, year: int | None) -> Month:
    if not 1 <= number <= 12:
        raise Unreadable("The month is not clear: say a month such as March.")
    return Month(number, year)


def invoice_number(words: str) -> str:
    """``"inv 2026 03 0417"`` -> ``"INV-2026-03-0417"``. Raises Unreadable."""
    digits = "".join(re.findall(r"[0-9]+", words))
    if not re.match(r"\s*inv", words.lower()) or len(digits) != 10:
        raise Unreadable("An invoice number looks like I N V, the year, the month, and four digits.")
    return f"INV-{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def cents(amount: str | float) -> int:
    """``"49.99"``, ``"$49.99"``, ``49.99`` -> 4999. Raises Unreadable for anything that is no positive amount of money."""
    try:
        value = Decimal(str(amount).strip().removeprefix("$").replace(",", ""))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 < value < 10**9 or value != round(value, 2):
        raise Unreadable("The amount is not clear: give it as dollars and cents, such as 49.99.")
    return int(value * 100)


def money(amount_cents: int) -> str:
    """4999 -> ``"49.99"``."""
    return f"{amount_cents // 100}.{amount_cents % 100:02d}"
