"""Escalation's back office for its tests: seeded, with a clock that stands still on a Wednesday afternoon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from backoffice.database import Database
from backoffice.testing import KEY, Call, opened
from escalation_mcp import rows, seed
from escalation_mcp.office import make_office
from escalation_mcp.settings import EscalationSettings
from sqlalchemy import func, select
from sqlalchemy.orm import Session

NOW = datetime(2026, 11, 25, 14, 10)
_TABLES = (rows.AppliedOffer, rows.Complaint, rows.Callback, rows.HumanRequest)


def examples(session: Session) -> None:
    """The example data as of NOW."""
    seed.examples(session, now=NOW)


@dataclass(frozen=True, slots=True)
class Desk:
    """The office on one call (``desk.call(...)``), and what was written since it was seeded."""

    call: Call
    database: Database
    before: Mapping[str, int]

    def added(self) -> dict[str, int]:
        """How many rows each table has gained; those that gained none are left out."""
        now = _counts(self.database)
        return {table: now[table] - n for table, n in self.before.items() if now[table] != n}

    def verified(self, account_id: str) -> Desk:
        """The same, its caller verified."""
        return replace(self, call=self.call.verified(account_id))

    def on(self, call_id: str) -> Desk:
        """The same on another call."""
        return replace(self, call=replace(self.call, call_id=call_id))

    def at(self, now: datetime) -> Desk:
        """The same office at another time."""
        office = make_office(self.database, self._settings, clock=lambda: now)
        return replace(self, call=replace(self.call, office=office))

    def limited(self, **limits: Any) -> Desk:
        """The same office with other limits."""
        settings = replace(self._settings, **limits)
        office = make_office(self.database, settings, clock=lambda: NOW)
        return replace(self, call=replace(self.call, office=office, settings=settings))

    @property
    def _settings(self) -> EscalationSettings:
        assert isinstance(self.call.settings, EscalationSettings)
        return self.call.settings


def _counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {t.__tablename__: session.scalar(select(func.count()).select_from(t)) or 0 for t in _TABLES}


@pytest.fixture
def desk(seeded_url: Callable[..., str]) -> Iterator[Desk]:
    """Call call-1, nobody verified yet."""
    settings = EscalationSettings(database_url=seeded_url("escalation_mcp", examples), capability_key=KEY)
    with ExitStack() as stack:
        database = stack.enter_context(opened(settings, package="escalation_mcp"))
        office = make_office(database, settings, clock=lambda: NOW)
        yield Desk(Call(office=office, settings=settings), database, _counts(database))
