"""Billing's back office, seeded, and a call that triage has just handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from backoffice.testing import KEY, opened
from billing_mcp.seed import examples
from billing_mcp.settings import Settings
from worker.testing.playbook import Play

from services.billing.tests.dialogue import VERIFIED, BackOffice, taken


@pytest.fixture
def office(seeded_url: Callable[..., str]) -> Iterator[BackOffice]:
    settings = Settings(database_url=seeded_url("billing_mcp", examples), capability_key=KEY)
    with opened(settings, package="billing_mcp") as database:
        yield BackOffice(database, settings)


@pytest.fixture
def play(office: BackOffice) -> Play:
    """A call that triage has just handed over; the account is not known yet."""
    return taken(office)


@pytest.fixture
def known(office: BackOffice) -> Play:
    """The same, of a caller who was verified before."""
    office.verify("AC4721")
    return taken(office, facts=VERIFIED)
