"""References that count on, one series for each kind of thing: OF-30417, CC-40417, CB-50417, HR-60417."""

from __future__ import annotations

from backoffice.database import hold
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from escalation_mcp.rows import AppliedOffer, Callback, Complaint, HumanRequest

_SERIES: dict[type[AppliedOffer | Complaint | Callback | HumanRequest], tuple[str, int]] = {
    AppliedOffer: ("OF", 30417),
    Complaint: ("CC", 40417),
    Callback: ("CB", 50417),
    HumanRequest: ("HR", 60417),
}
"""Prefix and first number; examples have lower ones."""


def next_reference(session: Session, row: type[AppliedOffer | Complaint | Callback | HumanRequest]) -> str:
    """The reference after the newest one, e.g. ``OF-30418``. Call inside a writing session: it holds the series until the end."""
    prefix, first = _SERIES[row]
    hold(session, "next reference", prefix)
    newest = session.scalar(select(func.max(row.reference)).where(func.length(row.reference) == len(prefix) + 6))
    number = int(newest.removeprefix(f"{prefix}-")) + 1 if newest else first
    return f"{prefix}-{max(number, first):05d}"
