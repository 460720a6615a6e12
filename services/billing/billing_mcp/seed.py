"""Half a year of bills for every example customer, made by a seeded script; the customers written by hand have the cases.

AC4721 and AC6102 were charged twice in March and may have it back, AC5867 too, but above the limit; AC2390's second charge is
still pending, AC3344's was refunded (RF-20416); AC1058 has nothing unusual; AC7215 is closed. AC8136's March payment failed,
AC9047's is on its way, AC1963 paid for extra storage in March. The others have a share of each.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from backoffice.customers import CUSTOMERS, PLANS, Customer
from sqlalchemy import insert
from sqlalchemy.orm import Session

from billing_mcp.charges import GIGABYTE_CENTS
from billing_mcp.rows import Account, Charge, Invoice, Payment, Refund

_SEED = 20260302
_MONTHS = ((2025, 10), (2025, 11), (2025, 12), (2026, 1), (2026, 2), (2026, 3))
_FIRST_OF_HAND_WRITTEN = 3
"""The first seven have bills since January."""
_BY_HAND = {
    "AC4721": "duplicate",
    "AC1058": "",
    "AC2390": "pending",
    "AC3344": "refunded",
    "AC5867": "duplicate",
    "AC6102": "duplicate",
    "AC7215": "closed",
    "AC8136": "failed",
    "AC9047": "processing",
    "AC1963": "storage",
}
_SHARES = {
    "": 70,
    "storage": 12,
    "duplicate": 6,
    "failed": 4,
    "processing": 3,
    "pending": 2,
    "refunded": 2,
    "closed": 1,
}
"""What happened in March, per cent of the customers that were not written by hand."""
_FAILURES = ("the card had expired", "the bank declined it", "there were not enough funds")
_SETUP_CENTS = 25_00


def examples(session: Session) -> None:
    """Adds the examples. The customers are there already; every other table is empty."""
    chance = random.Random(_SEED)
    bills: list[_Bill] = []
    accounts = []
    for number, customer in enumerate(CUSTOMERS, start=1):
        drawn = chance.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
        case = _BY_HAND.get(customer.account_id, drawn)
        status = "closed" if case == "closed" else "active"
        accounts.append(
            {"account_id": customer.account_id, "name": customer.name, "plan": customer.plan, "status": status}
        )
        first = _FIRST_OF_HAND_WRITTEN if number <= 7 else 0
        for year, month in _MONTHS[first:]:
            bills.append(_Bill(customer, number, date(year, month, 1), case if month == 3 else "", chance))
    session.execute(insert(Account), accounts)
    session.execute(insert(Invoice), [bill.invoice() for bill in bills])
    charges = [charge for bill in bills for charge in bill.charges()]
    session.execute(insert(Charge), charges)
    session.execute(insert(Payment), [bill.payment() for bill in bills])
    session.execute(insert(Refund), _refunds([bill for bill in bills if bill.case == "refunded"]))


@dataclass(frozen=True, slots=True)
class _Bill:
    """One month of one customer. ``case`` is what happened in it; empty for nothing unusual."""

    customer: Customer
    number: int
    issued_on: date
    case: str
    chance: random.Random

    @property
    def serial(self) -> str:
        return f"{self.issued_on:%Y-%m}-{400 + 17 * self.number:04d}"

    def invoice(self) -> dict[str, Any]:
        return {
            "invoice_number": f"INV-{self.serial}",
            "account_id": self.customer.account_id,
            "issued_on": self.issued_on,
            "currency": "USD",
            "status": "open" if self.case in ("failed", "processing") else "paid",
        }

    def charges(self) -> list[dict[str, Any]]:
        plan = self.customer.plan
        subscription = {"description": f"{plan} monthly", "amount_cents": PLANS[plan], "kind": "subscription"}
        made = [subscription]
        if self.case in ("duplicate", "pending", "refunded"):
            made.append(subscription)
        elif self.case == "storage":
            # Drawn from the serial, so that a bill tells the same whenever it is asked.
            gigabytes = 20 + 10 * (self.number % 9)
            made.append(
                {
                    "description": "Extra storage",
                    "amount_cents": gigabytes * GIGABYTE_CENTS,
                    "kind": "storage",
                    "quantity": gigabytes,
                }
            )
        elif self.number > 7 and self.issued_on == date(2025, 10, 1) and self.customer.joined_on.year == 2025:
            made.append({"description": "Setup fee", "amount_cents": _SETUP_CENTS, "kind": "setup"})
        return [self._charge(count, charge) for count, charge in enumerate(made, start=1)]

    def _charge(self, count: int, charge: dict[str, Any]) -> dict[str, Any]:
        return {
            "quantity": 1,
            **charge,
            "charge_id": f"CH-{self.serial}-{count}",
            "invoice_number": f"INV-{self.serial}",
            "status": "pending" if self.case == "pending" and count == 2 else "settled",
            "charged_on": self.issued_on + timedelta(days=1 + count),
        }

    def payment(self) -> dict[str, Any]:
        return {
            "payment_id": f"PY-{self.serial}",
            "invoice_number": f"INV-{self.serial}",
            "method": "bank transfer" if self.customer.plan == "Cloud Business" else "card",
            "status": self.case if self.case in ("failed", "processing") else "settled",
            "failure": self.chance.choice(_FAILURES) if self.case == "failed" else "",
            "amount_cents": sum(c["amount_cents"] for c in self.charges() if c["status"] == "settled"),
            "made_on": self.issued_on + timedelta(days=3),
        }


def _refunds(bills: list[_Bill]) -> list[dict[str, Any]]:
    """RF-20416 is the newest, so that the first refund of a call is RF-20417."""
    return [
        {
            "reference": f"RF-{20416 - before}",
            "charge_id": f"CH-{bill.serial}-2",
            "call_id": "",
            "idempotency_key": f"example:CH-{bill.serial}-2",
            "amount_cents": PLANS[bill.customer.plan],
            "refunded_at": datetime(2026, 3, 20, 12) - timedelta(days=before),
        }
        for before, bill in enumerate(bills)
    ]
