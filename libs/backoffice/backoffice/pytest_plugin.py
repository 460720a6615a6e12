"""The pytest plugin: the fixtures ``database_url`` and ``seeded_url``, over SQLite, or with ``--database=postgresql`` over a
real PostgreSQL. It is loaded wherever this library is installed, so it imports nothing heavy before it is used.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from backoffice.testing.postgresql import Server

FIXTURES = ("database_url", "seeded_url", "postgresql_server")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --database."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what `database_url` is; with postgresql, only the tests that use it are run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tells of the mark."""
    config.addinivalue_line("markers", "database: touches a database (set by itself); -m 'not database' leaves it out")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what touches a database. On PostgreSQL only that is worth running a second time."""
    for item in items:
        if set(FIXTURES) & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")
    if config.getoption("--database") != "postgresql":
        return
    left_out = [item for item in items if item.get_closest_marker("database") is None]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


class Databases(Protocol):
    """Where databases come from, and go to: a hundred tests would leave a gigabyte."""

    def empty(self) -> str:
        """Address of a database without tables."""

    def copy(self, url: str) -> str:
        """Address of a copy of the database, which nobody may be using."""

    def drop(self, url: str) -> None:
        """Removes the database, whoever is using it."""


class _Files:
    """SQLite."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def empty(self) -> str:
        return f"sqlite:///{self._folder()}/office.db"

    def copy(self, url: str) -> str:
        copied = self.empty()
        shutil.copy(url.removeprefix("sqlite:///"), copied.removeprefix("sqlite:///"))
        return copied

    def drop(self, url: str) -> None:
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent, ignore_errors=True)


class _OnServer:
    """PostgreSQL. A copy into which a test has written nothing is lent again: copying takes longer than most tests."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lent: dict[str, tuple[str, str]] = {}
        self._untouched: dict[str, list[str]] = {}

    def empty(self) -> str:
        return self._server.url(self._server.create())

    def copy(self, url: str) -> str:
        template = url.rpartition("/")[2]
        if template not in self._untouched:
            self._server.settle(template)
        untouched = self._untouched.setdefault(template, [])
        name = untouched.pop() if untouched else self._server.create(template=template)
        self._lent[name] = (template, self._server.position())
        return self._server.url(name)

    def drop(self, url: str) -> None:
        name = url.rpartition("/")[2]
        template, position = self._lent.pop(name, ("", ""))
        if template and position == self._server.position():
            self._untouched[template].append(name)
        else:
            self._server.drop(name)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A real PostgreSQL on loopback, in a folder that goes away with it."""
    from backoffice.testing.postgresql import running

    with running() as server:
        yield server


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Databases of the kind that was asked for."""
    if request.config.getoption("--database") == "postgresql":
        return _OnServer(request.getfixturevalue("postgresql_server"))
    return _Files(lambda: tmp_path_factory.mktemp("database"))


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """Address of an empty database, for one test."""
    url = databases.empty()
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def _seeded() -> dict[Any, str]:
    return {}


@pytest.fixture
def seeded_url(databases: Databases, _seeded: dict[Any, str]) -> Iterator[Callable[..., str]]:
    """``seeded_url("X_mcp", examples)``: address of a migrated and seeded database of this test's own, copied from one that
    was prepared once."""
    from backoffice.database import Database
    from backoffice.settings import Settings

    made: list[str] = []

    def seeded(package: str, seed: Any = None) -> str:
        if (package, seed) not in _seeded:
            url = databases.empty()
            database = Database(Settings(database_url=url), package=package, seed=seed)
            database.prepare()
            database.close()
            _seeded[package, seed] = url
        made.append(databases.copy(_seeded[package, seed]))
        return made[-1]

    yield seeded
    for url in made:
        databases.drop(url)
