"""Complaint cases: opened for a verified caller, with the day by which they are answered."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from backoffice.database import hold
from backoffice.identity import customer
from backoffice.office import Refused
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from escalation_mcp.references import next_reference
from escalation_mcp.rows import Complaint

ANSWER_WORKDAYS = 2
MAX_DETAIL_CHARS = 1000
MAX_CASES_PER_CALL = 3
_SATURDAY = 5


def open_case(session: Session, account_id: str, *, call_id: str, about: str, details: str, now: datetime) -> Complaint:
    """Opens a case. Raises Refused for no account, no words, or a call that opens one case after another."""
    customer(session, account_id)
    if not details.strip():
        raise Refused("The complaint needs a sentence on what happened.")
    hold(session, "complaints of call", call_id)
    on_call = select(func.count()).select_from(Complaint).where(Complaint.call_id == call_id)
    if (session.scalar(on_call) or 0) >= MAX_CASES_PER_CALL:
        raise Refused("This call has its complaint cases already.")
    case = Complaint(
        reference=next_reference(session, Complaint),
        account_id=account_id,
        call_id=call_id,
        about=about,
        details=" ".join(details.split())[:MAX_DETAIL_CHARS],
        opened_at=now,
        answer_due_on=answer_due(now.date()),
    )
    session.add(case)
    session.flush()
    return case


def answer_due(day: date) -> date:
    """ANSWER_WORKDAYS working days later."""
    left = ANSWER_WORKDAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return day
