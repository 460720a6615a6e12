"""The example office, on a database of its own for each test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from backoffice.database import Database
from backoffice.testing import KEY, Call, opened

sys.path.insert(0, str(Path(__file__).parent))

from parcels_mcp.office import ParcelSettings, examples, make_office


@pytest.fixture
def database(seeded_url: Callable[..., str]) -> Iterator[Database]:
    settings = ParcelSettings(database_url=seeded_url("parcels_mcp", examples), capability_key=KEY)
    with opened(settings, package="parcels_mcp") as database:
        yield database


@pytest.fixture
def call(database: Database) -> Call:
    settings = ParcelSettings(database_url="", capability_key=KEY)
    return Call(office=make_office(database, settings), settings=settings)
