"""Parcels that are sent once: every part of a back office in one file, smaller than a real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backoffice import words
from backoffice.customers import CUSTOMERS
from backoffice.database import Database
from backoffice.idempotency import IdempotencyKey, once
from backoffice.identity import AccountId, add_identity_tools, require_capability
from backoffice.office import BackOffice, CallToolResult, Context, Refused
from backoffice.rows import NAMING, Customer
from backoffice.settings import ENVIRONMENT, Reading, Settings
from sqlalchemy import ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Row(DeclarativeBase):
    """Base of the office's own tables."""

    metadata = MetaData(naming_convention=NAMING)


class Parcel(Row):
    """``status``: shelf or sent."""

    __tablename__ = "parcels"

    parcel_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(Customer.__table__.c.account_id), index=True)
    status: Mapped[str] = mapped_column(String(16))


def examples(session: Session) -> None:
    """One parcel for each customer."""
    session.add_all(Parcel(parcel_id=f"P-{c.account_id}", account_id=c.account_id, status="shelf") for c in CUSTOMERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSettings(Settings):
    """``fee_limit_cents`` and ``max_discount_percent`` are here to be read."""

    fee_limit_cents: int = 50_00
    max_discount_percent: int = 15

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = ENVIRONMENT) -> ParcelSettings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        reading = Reading("parcels", environ)
        settings = cls(
            **reading.shared(),
            fee_limit_cents=reading.amount_cents("PARCELS_FEE_LIMIT", default=50_00),
            max_discount_percent=reading.percent("PARCELS_MAX_DISCOUNT_PERCENT", default=15),
        )
        reading.done()
        return settings


def make_office(database: Database, settings: Settings) -> BackOffice:
    """The office with its tools."""
    office = BackOffice("parcels")
    add_identity_tools(office, database, settings)

    @office.tool()
    def send_parcel(
        account_id: AccountId, parcel_id: str, idempotency_key: IdempotencyKey, context: Context
    ) -> CallToolResult:
        """Send a parcel on its way, once."""

        def leap() -> dict[str, Any]:
            wanted, parcel_wanted = words.account_id(account_id), parcel_id.strip().upper()
            caller = require_capability(context, wanted, settings)

            def send() -> dict[str, Any]:
                parcel = session.get(Parcel, parcel_wanted, with_for_update=True)
                if parcel is None or parcel.account_id != wanted:
                    raise Refused("I can't find that parcel on this account.")
                if parcel.status == "sent":
                    raise Refused("That parcel was already sent.")
                parcel.status = "sent"
                return {"account_id": wanted, "parcel_id": parcel.parcel_id, "status": "sent"}

            with database.writing() as session:
                return once(
                    session,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    tool="send_parcel",
                    arguments={"account_id": wanted, "parcel_id": parcel_wanted},
                    work=send,
                )

        return office.answer(leap)

    return office
