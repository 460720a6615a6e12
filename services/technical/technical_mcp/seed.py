"""Example data for every example customer, made by a seeded script: products, a week of usage, tickets; and our own knowledge.

By hand, because calls, evals and tests name them: AC4721 has the Cloud Drive app 4.2, which crashes while it syncs; AC3344's
Cloud Drive is slow; AC2390's Cloud API is in the western region, where an incident is open; AC5867's Cloud Backup starts late
(incident) and she has Cloud Drive too; AC8136 has Cloud API and Cloud Drive; AC9047 has the ticket TK-30215, open, and AC6102
the ticket TK-30184, closed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

import yaml
from backoffice.customers import CUSTOMERS, PRODUCTS, Customer
from sqlalchemy.orm import Session

from technical_mcp.rows import Incident, KnownIssue, Product, Step, Ticket, TicketUpdate, Usage

_NEWEST = date(2026, 3, 27)
_DAYS = 7
_REGIONS = ("west", "central", "east")
_VERSIONS = {"Cloud Drive": ("4.1", "4.2", "4.3"), "Cloud Backup": ("2.8", "2.9"), "Cloud API": ("1", "2")}
_USUAL_MS = {"Cloud Drive": 240, "Cloud Backup": 420, "Cloud API": 120}
_HEALTHY, _SLOW, _FAILING = "healthy", "slow", "failing"


@dataclass(frozen=True, slots=True)
class Had:
    """A product as one account has it. ``state``: healthy, slow or failing on the newest day."""

    product: str
    region: str
    app_version: str
    state: str = _HEALTHY


_BY_HAND = {
    "AC4721": (Had("Cloud Drive", "west", "4.2"),),
    "AC1058": (Had("Cloud Backup", "east", "2.8"),),
    "AC2390": (Had("Cloud API", "west", "2", _FAILING),),
    "AC3344": (Had("Cloud Drive", "west", "4.3", _SLOW),),
    "AC5867": (Had("Cloud Backup", "central", "2.9"), Had("Cloud Drive", "central", "4.3")),
    "AC6102": (Had("Cloud Drive", "east", "4.3"),),
    "AC7215": (Had("Cloud Backup", "west", "2.9"),),
    "AC8136": (Had("Cloud API", "east", "2"), Had("Cloud Drive", "east", "4.3")),
    "AC9047": (Had("Cloud Drive", "central", "4.3"),),
    "AC1963": (Had("Cloud API", "east", "1"),),
}
_TICKETS_BY_HAND = (
    ("TK-30215", "AC9047", "Cloud Drive", "open", "Our engineers have found the folder that holds up the sync."),
    ("TK-30184", "AC6102", "Cloud Drive", "closed", "The lost folder was put back."),
)
_PROBLEMS = {
    "Cloud Drive": ("A shared folder is empty on one computer.", "Uploads stop in the middle.", "Files come back after a delete."),
    "Cloud Backup": ("The backup of one laptop is missing.", "A restore stops in the middle.", "The schedule is lost."),
    "Cloud API": ("Some requests fail without an error text.", "Webhooks come late.", "A key stopped working."),
}  # fmt: skip
_NOTES = ("We are looking into it.", "We have asked for a log of the app.", "The next version of the app mends it.")


def examples(session: Session) -> None:
    """Adds everything to empty tables."""
    session.add_all(_knowledge())
    for customer in CUSTOMERS:
        chance = random.Random(customer.account_id)
        session.add_all(
            _product(customer, had, chance) for had in _BY_HAND.get(customer.account_id) or _has(customer, chance)
        )
    session.add_all(_tickets())


def _knowledge() -> Iterator[Incident | KnownIssue | Step]:
    for entry in _read("incidents"):
        yield Incident(incident_id=entry.pop("id"), **entry)
    for entry in _read("known_issues"):
        yield KnownIssue(issue_id=entry.pop("id"), **({"versions": []} | entry))
    for product, steps in _read("steps").items():
        for position, step in enumerate(steps, start=1):
            yield Step(product=product, position=position, instruction=step["say"], tried_as=step["tried_as"])


def _read(name: str) -> Any:
    return yaml.safe_load((files("technical_mcp") / "knowledge" / f"{name}.yaml").read_text(encoding="utf-8"))


def _has(customer: Customer, chance: random.Random) -> Iterator[Had]:
    """The customer's own product, and for every other company a second one."""
    names = [customer.product]
    if customer.company and chance.random() < 0.5:
        names.append(chance.choice([name for name in PRODUCTS if name != customer.product]))
    for name in names:
        state = chance.choices((_HEALTHY, _SLOW, _FAILING), weights=(88, 7, 5))[0]
        yield Had(name, chance.choice(_REGIONS), chance.choice(_VERSIONS[name]), state)


def _product(customer: Customer, had: Had, chance: random.Random) -> Product:
    made = Product(account_id=customer.account_id, product=had.product, region=had.region, app_version=had.app_version)
    for ago in range(_DAYS):
        requests, state = 400 * customer.seats + chance.randint(0, 300), had.state if ago == 0 else _HEALTHY
        latency = _USUAL_MS[had.product] * chance.uniform(0.9, 1.2) * (8 if state == _SLOW else 1)
        rate = chance.uniform(0.05, 0.12) if state == _FAILING else chance.uniform(0, 0.004)
        made.usage.append(
            Usage(
                measured_on=_NEWEST - timedelta(days=ago),
                requests=requests,
                failures=int(requests * rate),
                latency_ms=int(latency),
            )
        )
    return made


def _tickets() -> Iterator[Ticket]:
    for number, account_id, product, status, note in _TICKETS_BY_HAND:
        yield _ticket(number, account_id, product, status=status, note=note, chance=random.Random(number))
    chance = random.Random(len(CUSTOMERS))
    for n, customer in enumerate(chance.sample(CUSTOMERS[10:], 60)):
        status = chance.choice(("open", "closed", "closed"))
        note = chance.choice(_NOTES)
        yield _ticket(
            f"TK-{30300 + 3 * n}", customer.account_id, customer.product, status=status, note=note, chance=chance
        )


def _ticket(number: str, account_id: str, product: str, *, status: str, note: str, chance: random.Random) -> Ticket:
    opened_at = datetime(2026, 3, 1, 9) + timedelta(hours=chance.randint(0, 500))
    made = Ticket(
        ticket_id=number,
        account_id=account_id,
        product=product,
        problem=chance.choice(_PROBLEMS[product]),
        steps_tried="restarted",
        status=status,
        opened_at=opened_at,
    )
    made.updates.append(TicketUpdate(written_by="engineer", note=note, noted_at=opened_at + timedelta(hours=5)))
    return made
