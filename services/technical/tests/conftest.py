"""The back office that the tests of technical's playbook talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from backoffice.settings import Settings
from backoffice.testing import KEY, Call, opened
from technical_mcp import seed
from technical_mcp import tools as back_office

from services.technical.tests.dialogue import BackOffice


@pytest.fixture
def office(seeded_url: Callable[..., str]) -> Iterator[BackOffice]:
    settings = Settings(database_url=seeded_url("technical_mcp", seed.examples), capability_key=KEY)
    with opened(settings, package="technical_mcp") as database:
        yield BackOffice(Call(office=back_office.office(database, settings), settings=settings))
