"""Who is on the line: the two tools that find an account and verify its caller, and the lock against guessing.

Three wrong pairs on one call lock that call; three wrong ones for one account within 15 minutes lock that account, whichever
calls they came from. A refusal never says which half was wrong, nor whether the account exists.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice import words
from backoffice.capability import (
    CALL_HEADER,
    LIFETIME_SECONDS,
    NOT_VERIFIED,
    CallerOnLine,
    caller_of,
    issue,
    require_capability,
)
from backoffice.database import Database, hold
from backoffice.office import BackOffice, CallToolResult, Context, Refused
from backoffice.rows import Customer, VerificationFailure
from backoffice.settings import Settings

__all__ = [
    "CALL_HEADER",
    "LIFETIME_SECONDS",
    "NOT_VERIFIED",
    "AccountId",
    "CallerOnLine",
    "add_identity_tools",
    "caller_of",
    "customer",
    "issue",
    "require_capability",
]

AccountId = Annotated[str, Field(description="the account ID: AC and four digits, e.g. AC4721")]
MAX_FAILURES = 3
LOCK_SECONDS = 15 * 60
UNKNOWN = "There is no account with that ID."
MISMATCH = "That account ID and ZIP code don't go together."
LOCKED = "That was too many tries. I can't verify this account on this call."


def customer(session: Session, account_id: str) -> Customer:
    """The customer's row. Raises Refused when there is no such account."""
    found = session.get(Customer, account_id)
    if found is None:
        raise Refused(UNKNOWN)
    return found


def add_identity_tools(office: BackOffice, database: Database, settings: Settings) -> None:
    """Adds find_account and verify_identity."""

    @office.tool()
    def find_account(account_id: AccountId) -> CallToolResult:
        """Find out whether an account exists. Tells nothing about it."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            with database.reading() as session:
                customer(session, wanted)
            return {"account_id": wanted, "exists": True}

        return office.answer(look)

    @office.tool()
    def verify_identity(
        account_id: AccountId,
        postal_code: Annotated[str, Field(description="the ZIP code that the caller says, five digits")],
        context: Context,
    ) -> CallToolResult:
        """Verify the caller by account ID and ZIP code. Needed once per call, before any account data."""

        def verify() -> dict[str, Any]:
            caller = caller_of(context)
            wanted, said = words.account_id(account_id), words.postal_code(postal_code)
            with database.writing() as session:
                verdict = _judge(session, caller.call_id, account_id=wanted, postal_code=said)
            # Raised out here: a failure that was noted must be committed.
            if isinstance(verdict, str):
                raise Refused(verdict)
            return verdict | {
                "capability": issue(settings, call_id=caller.call_id, account_id=wanted),
                "expires_in_seconds": LIFETIME_SECONDS,
            }

        return office.answer(verify)


def _judge(session: Session, call_id: str, *, account_id: str, postal_code: str) -> dict[str, Any] | str:
    """The verified caller, or the sentence of the refusal; notes a wrong pair."""
    # One at a time per call and per account, or ten guesses at once would each see two failures.
    hold(session, "verification of call", call_id)
    hold(session, "verification of account", account_id)
    now = datetime.now(UTC).replace(tzinfo=None)
    if _is_locked(session, call_id, account_id=account_id, since=now - timedelta(seconds=LOCK_SECONDS)):
        return LOCKED
    found = session.get(Customer, account_id)
    if found is None or not hmac.compare_digest(found.postal_code, postal_code):
        session.add(VerificationFailure(call_id=call_id, account_id=account_id, failed_at=now))
        return MISMATCH
    return {
        "verified": True,
        "account_id": found.account_id,
        "name": found.name,
        "first_name": found.name.split()[0],
    }


def _is_locked(session: Session, call_id: str, *, account_id: str, since: datetime) -> bool:
    failures = select(func.count()).select_from(VerificationFailure)
    on_call = session.scalar(failures.where(VerificationFailure.call_id == call_id)) or 0
    on_account = (
        session.scalar(
            failures.where(VerificationFailure.account_id == account_id, VerificationFailure.failed_at > since)
        )
        or 0
    )
    return max(on_call, on_account) >= MAX_FAILURES
