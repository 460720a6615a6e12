"""Sales' back office for its tests: seeded, with a clock that stands still on a Wednesday morning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from backoffice.database import Database
from backoffice.testing import KEY, Call, opened
from sales_mcp import seed
from sales_mcp.settings import Settings
from sales_mcp.tools import make_office
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from worker.testing.playbook import Play

from services.sales.tests.dialogue import BOOK, DIRECT, GREETING, HANDED_OVER, BackOffice

WEDNESDAY = datetime(2026, 3, 4, 11, 20)


def examples(session: Session) -> None:
    """The examples as of WEDNESDAY."""
    seed.examples(session, today=WEDNESDAY.date())


@dataclass(frozen=True, slots=True)
class Desk:
    """The office on one call, ``desk("make_quote", ...)`` -> (is_error, JSON or sentence), and its database."""

    call: Call
    database: Database

    def __call__(self, tool: str, /, **arguments: Any) -> tuple[bool, Any]:
        """Uses a tool."""
        return self.call(tool, **arguments)

    def verified(self, account_id: str) -> Desk:
        """The same, its caller verified."""
        return replace(self, call=self.call.verified(account_id))

    def on(self, call_id: str) -> Desk:
        """The same on another call."""
        return replace(self, call=self.call.on(call_id))

    def at(self, now: datetime) -> Desk:
        """The same office at another time."""
        assert isinstance(self.call.settings, Settings)
        office = make_office(self.database, self.call.settings, clock=lambda: now)
        return replace(self, call=replace(self.call, office=office))

    def limited(self, percent: int) -> Desk:
        """The same office with another limit for discounts."""
        assert isinstance(self.call.settings, Settings)
        settings = replace(self.call.settings, max_discount_percent=percent)
        office = make_office(self.database, settings, clock=lambda: WEDNESDAY)
        return replace(self, call=replace(self.call, office=office, settings=settings))

    def rows(self, table: type[Any]) -> list[Any]:
        """All rows of a table, the examples too."""
        with self.database.reading() as session:
            return list(session.scalars(select(table)))

    def count(self, table: type[Any]) -> int:
        """How many rows a table has."""
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def desk(seeded_url: Callable[..., str]) -> Iterator[Desk]:
    """Call call-1, nobody verified yet."""
    settings = Settings(database_url=seeded_url("sales_mcp", examples), capability_key=KEY)
    with opened(settings, package="sales_mcp") as database:
        yield Desk(Call(office=make_office(database, settings, clock=lambda: WEDNESDAY), settings=settings), database)


@pytest.fixture
def office(desk: Any) -> BackOffice:
    return BackOffice(desk)


@pytest.fixture
def play(office: BackOffice) -> Play:
    """A prospect whom triage has just handed over: wants a demo for 40 people."""
    play = Play(BOOK, office.tools(), facts={"interest": "a demo", "company_size": "40"}, story=HANDED_OVER)
    play.heard("Hi, I'd like to see a demo for my company.")
    play.agent("I'm connecting you with our sales specialist who can help you with this. One moment please.")
    play.agent(GREETING)
    return play


@pytest.fixture
def direct(office: BackOffice) -> Play:
    """A caller on sales' own line."""
    play = Play(BOOK, office.tools())
    play.agent(DIRECT)
    return play
