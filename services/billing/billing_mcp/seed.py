"""Example customers, one for each thing that can happen to a refund. Invented: none of them exists."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing_mcp.rows import Account, Charge, Invoice, Refund

_PRO, _TEAM, _BUSINESS = ("Cloud Pro", 49_99), ("Cloud Team", 79_00), ("Cloud Business", 249_00)
_YEAR = 2026

_CUSTOMERS = (
    # account, name, plan, status, extra March charge: None, "settled", "pending", "refunded"
    ("AC4721", "Sarah Chen", _PRO, "active", "settled"),
    ("AC1058", "Marcus Webb", _PRO, "active", None),
    ("AC2390", "Priya Natarajan", _TEAM, "active", "pending"),
    ("AC3344", "Tom Okafor", _PRO, "active", "refunded"),
    ("AC5867", "Elena Rossi", _BUSINESS, "active", "settled"),
    ("AC6102", "Daniel Kim", _TEAM, "active", "settled"),
    ("AC7215", "Grace Holloway", _PRO, "closed", None),
)


def examples(session: Session) -> None:
    """Adds the example customers to an empty database; leaves any other untouched."""
    if session.scalar(select(func.count()).select_from(Account)):
        return
    for number, (account_id, name, (plan, cents), status, extra) in enumerate(_CUSTOMERS, start=1):
        account = Account(account_id=account_id, name=name, plan=plan, status=status)
        for month in (1, 2, 3):
            account.invoices.append(
                _invoice(number, month, plan=plan, cents=cents, extra=extra if month == 3 else None)
            )
        session.add(account)


def _invoice(number: int, month: int, *, plan: str, cents: int, extra: str | None) -> Invoice:
    serial = f"{_YEAR}-{month:02d}-{400 + 17 * number:04d}"
    invoice = Invoice(invoice_number=f"INV-{serial}", issued_on=date(_YEAR, month, 1), currency="USD", status="paid")

    def charge(count: int, status: str) -> Charge:
        return Charge(
            charge_id=f"CH-{serial}-{count}",
            description=f"{plan} monthly",
            amount_cents=cents,
            status=status,
            charged_on=date(_YEAR, month, 2 + count),
        )

    invoice.charges.append(charge(1, "settled"))
    if extra is not None:
        second = charge(2, "pending" if extra == "pending" else "settled")
        invoice.charges.append(second)
        if extra == "refunded":
            second.refund = Refund(
                reference="RF-20416",
                idempotency_key=f"example:{second.charge_id}",
                amount_cents=cents,
                refunded_at=datetime(_YEAR, month, 20, 12),
            )
    return invoice
