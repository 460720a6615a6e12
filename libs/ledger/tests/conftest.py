"""A ledger over a store in memory, whose clock stands still, and a real database of its own for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from handoff.memory_store import MemoryStore
from handoff.testing import FakeClock, memory_store
from ledger.database import LedgerDatabase
from ledger.settings import Settings

pytest.register_assert_rewrite("ended_calls")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> MemoryStore:
    return memory_store(clock)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url)


@pytest.fixture
def database(settings: Settings) -> Iterator[LedgerDatabase]:
    database = LedgerDatabase(settings)
    database.prepare()
    yield database
    database.close()
