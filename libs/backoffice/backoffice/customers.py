"""The example customers of every back office: the same 220 in each, made by a seeded script. Invented: none of them exists.

Account IDs and ZIPs have no digit twice in a row, so that they can be said and heard. The first ten are written by hand and
stay as they are, because calls, evals and tests name them:

    AC4721 97209 Sarah Chen, Cloud Pro: charged $49.99 twice in March
    AC1058 60614 Marcus Webb, Cloud Pro: nothing unusual
    AC2390 73102 Priya Natarajan, Cloud Team, Lotus Analytics: second March charge still pending
    AC3344 30318 Tom Okafor, Cloud Pro: charged twice in March, already refunded
    AC5867 94107 Elena Rossi, Cloud Business, Rossi Imports: charged $249.00 twice in March, above the refund limit
    AC6102 98052 Daniel Kim, Cloud Team, Harbor Dental: charged $79.00 twice in March
    AC7215 80205 Grace Holloway, Cloud Pro: her account is closed
    AC8136 10253 Omar Haddad, Cloud Business, Haddad Logistics, 60 seats
    AC9047 37206 Linda Park, Cloud Team, Park and Sons Bakery, 6 seats
    AC1963 85018 Victor Almeida, Cloud Pro
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import pairwise
from itertools import product as pairs

from sqlalchemy import insert
from sqlalchemy.orm import Session

from backoffice.rows import Customer as CustomerRow

PLANS = {"Cloud Pro": 49_99, "Cloud Team": 79_00, "Cloud Business": 249_00}
"""Monthly price of each plan in cents."""
PRODUCTS = ("Cloud Drive", "Cloud Backup", "Cloud API")

_SEED = 20260301
_GENERATED = 210
_NEWEST = date(2025, 12, 15)
"""Everybody has joined before the example invoices begin."""


@dataclass(frozen=True, slots=True)
class Customer:
    """``postal_code`` is the fact that verifies; ``company`` is empty for a private person; ``plan`` is one of PLANS."""

    account_id: str
    name: str
    postal_code: str
    company: str
    seats: int
    plan: str
    product: str
    joined_on: date

    @property
    def first_name(self) -> str:
        """``"Sarah"``."""
        return self.name.split()[0]


_BY_HAND = (
    Customer("AC4721", "Sarah Chen", "97209", "", 1, "Cloud Pro", "Cloud Drive", date(2023, 5, 9)),
    Customer("AC1058", "Marcus Webb", "60614", "", 1, "Cloud Pro", "Cloud Backup", date(2024, 2, 21)),
    Customer("AC2390", "Priya Natarajan", "73102", "Lotus Analytics", 8, "Cloud Team", "Cloud API", date(2022, 11, 3)),
    Customer("AC3344", "Tom Okafor", "30318", "", 1, "Cloud Pro", "Cloud Drive", date(2021, 8, 17)),
    Customer(
        "AC5867", "Elena Rossi", "94107", "Rossi Imports", 35, "Cloud Business", "Cloud Backup", date(2020, 4, 28)
    ),
    Customer("AC6102", "Daniel Kim", "98052", "Harbor Dental", 5, "Cloud Team", "Cloud Drive", date(2023, 9, 12)),
    Customer("AC7215", "Grace Holloway", "80205", "", 1, "Cloud Pro", "Cloud Backup", date(2019, 7, 1)),
    Customer(
        "AC8136", "Omar Haddad", "10253", "Haddad Logistics", 60, "Cloud Business", "Cloud API", date(2021, 1, 14)
    ),
    Customer(
        "AC9047", "Linda Park", "37206", "Park and Sons Bakery", 6, "Cloud Team", "Cloud Drive", date(2024, 6, 30)
    ),
    Customer("AC1963", "Victor Almeida", "85018", "", 1, "Cloud Pro", "Cloud API", date(2025, 3, 19)),
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    """
    Aaliyah Adrian Amara Andre Anita Antonio Beatriz Brandon Camila Carlos Chloe Dana David Diego Elijah Emily
    Fatima Felix Gabriel Hannah Hassan Imani Isaac Ivy Jamal Jasmine Joel Karen Kenji Leila Leo Lucas Maria Mei
    Miguel Mina Naomi Nathan Noor Olivia Oscar Paul Rachel Ravi Rosa Samuel Simone Tanya Theo Vera Walter Yusuf Zoe
    """
)
_LAST = _words(
    """
    Adams Ahmed Alvarez Baker Bennett Brooks Castillo Clark Cohen Cruz Davis Diaz Edwards Evans Fisher Flores Foster
    Garcia Gomez Grant Gupta Hall Harris Hayes Hernandez Hill Howard Hughes Ibrahim Jackson Jensen Johnson Kaplan
    Kelly Khan Lee Lewis Lopez Martin Mendoza Miller Morgan Murphy Nguyen Novak Ortiz Owens Patel Perez Ramos Reed
    Rivera Santos Silva Singh Stone Suzuki Taylor Torres Turner Vargas Walker Wang Ward Wilson Wright Young
    """
)
_TRADES = _words(
    """
    Architects Auto Bakery Brewing Clinic Coffee Construction Consulting Dental Design Electric Farms Fitness
    Florists Foods Furniture Garden Insurance Labs Law Logistics Media Music Optics Outdoors Pharmacy Plumbing
    Printing Realty Robotics Software Solar Studio Textiles Travel Veterinary
    """
)
_PLACES = _words(
    """
    Cedar Harbor Lakeside Maple Northgate Oak Pine Prairie Ridge River Silver Summit Sunset Valley Western Willow
    """
)
_ZIP_PREFIXES = _words(
    """
    021 024 063 071 098 104 152 191 207 217 283 301 321 363 372 402 432 452 462 482 503 532 541 571 601 631 641
    """
)


def _customers() -> Iterator[Customer]:
    yield from _BY_HAND
    chance = random.Random(_SEED)
    names = [f"{first} {last}" for first, last in pairs(_FIRST, _LAST)]
    taken = {customer.account_id for customer in _BY_HAND}
    numbers = [f"AC{n}" for n in range(1000, 10_000) if _is_spellable(str(n)) and f"AC{n}" not in taken]
    companies = [f"{place} {trade}" for place, trade in pairs(_PLACES, _TRADES)]
    shuffled = zip(chance.sample(numbers, _GENERATED), chance.sample(names, _GENERATED), strict=True)
    for (account_id, name), company in zip(shuffled, chance.sample(companies, _GENERATED), strict=True):
        plan = chance.choices(list(PLANS), weights=(6, 3, 1))[0]
        yield Customer(
            account_id,
            name,
            _zip(chance),
            "" if plan == "Cloud Pro" else company,
            {"Cloud Pro": 1, "Cloud Team": chance.randint(2, 10), "Cloud Business": chance.randint(11, 180)}[plan],
            plan,
            chance.choice(PRODUCTS),
            _NEWEST - timedelta(days=chance.randint(0, 2400)),
        )


def _zip(chance: random.Random) -> str:
    while True:
        code = f"{chance.choice(_ZIP_PREFIXES)}{chance.randint(1, 99):02d}"
        if _is_spellable(code):
            return code


def _is_spellable(digits: str) -> bool:
    return all(a != b for a, b in pairwise(digits))


CUSTOMERS: tuple[Customer, ...] = tuple(_customers())


def add_to(session: Session) -> None:
    """Adds them all to the table ``customers``, which must be empty."""
    session.execute(insert(CustomerRow), [asdict(customer) for customer in CUSTOMERS])
