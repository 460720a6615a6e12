"""How a back office is made in this process: what `python -m <service>_mcp` would serve, over a database of ours."""

from __future__ import annotations

import functools
import importlib.util
import runpy
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from backoffice.app import app
from backoffice.database import Database
from starlette.types import ASGIApp

HOST = "127.0.0.1"
_CAPABILITY_KEY = secrets.token_urlsafe(36)
"""One for all back offices of a run: whom one has verified, the others know."""


@dataclass(frozen=True, slots=True)
class Office:
    """A back office that can be served; ``close`` lets its database go."""

    application: ASGIApp
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Declared:
    """What a back office's own entry point hands to backoffice.run.main."""

    make_office: Callable[[Database, Any], Any]
    settings: Any
    seed: Callable[..., None] | None


def has_office(service: str) -> bool:
    """Whether the service has an MCP server."""
    return importlib.util.find_spec(f"{service}_mcp") is not None


def prepare(service: str, database_url: str) -> None:
    """Migrates and seeds an empty database."""
    database, _ = _opened(service, database_url)
    database.prepare()
    database.close()


def open_office(service: str, database_url: str) -> Office:
    """The office over a database that is prepared."""
    database, settings = _opened(service, database_url)
    office = _declared(service).make_office(database, settings)
    return Office(app(office, database, host=HOST), database.close)


def _opened(service: str, database_url: str) -> tuple[Database, Any]:
    declared = _declared(service)
    settings = replace(declared.settings, database_url=database_url, capability_key=_CAPABILITY_KEY)
    return Database(settings, package=f"{service}_mcp", seed=declared.seed), settings


@functools.cache
def _declared(service: str) -> _Declared:
    """Runs the entry point with everything at its default, but for the serving itself."""
    found: list[_Declared] = []

    def declare(
        name: str, make_office: Any, *, read_settings: Callable[[], Any], seed: Any = None, argv: Any = None
    ) -> int:
        found.append(_Declared(make_office, read_settings(), seed))
        return 0

    with mock.patch("backoffice.run.main", declare), mock.patch.dict("os.environ", clear=True):
        try:
            runpy.run_module(f"{service}_mcp", run_name="__main__")
        except SystemExit:
            pass
    return found[0]
