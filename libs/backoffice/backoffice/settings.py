"""The only place that reads a back office's environment: every variable, its default, and what is wrong with it.

An office adds its own limits: a dataclass that inherits Settings, and a ``from_env`` that reads them with Reading.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ENVIRONMENT: Mapping[str, str] = os.environ

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_MAX_AMOUNT = Decimal(100_000)
_MIN_KEY_CHARS = 32


class SettingsError(Exception):
    """The environment is unusable: one line per variable, what is wrong and how to mend it. Never quotes a value."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the settings are not usable:\n" + "\n".join(f"  - {p}" for p in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every back office is told by its environment."""

    database_url: str = field(repr=False)
    seed_examples: bool = True
    """Whether an empty database gets the example customers."""
    log_level: str = "INFO"
    capability_key: str = field(default="", repr=False)
    """Signs capabilities, at least 32 characters, the same in every back office; empty: a random one for this process."""
    otlp_endpoint: str = ""
    """Where spans are sent (OTLP over HTTP, the base address); empty: nowhere."""


class Reading:
    """One reading of the environment; collects what is wrong. Unset and empty are the same."""

    def __init__(self, office: str, environ: Mapping[str, str]) -> None:
        """``office`` is the service's name: the prefix of its own variables, and its SQLite file."""
        self._office = office
        self._environ = environ
        self.problems: list[str] = []

    def shared(self) -> dict[str, Any]:
        """The fields of Settings, to be spread into the office's own: ``cls(**reading.shared(), ...)``."""
        return {
            "database_url": self._database_url(),
            "seed_examples": self.flag(f"{self._office.upper()}_SEED_EXAMPLES", default=True),
            "log_level": self._level(),
            "capability_key": self._key(),
            "otlp_endpoint": self._otlp_endpoint(),
        }

    def done(self) -> None:
        """Raises SettingsError when anything was wrong."""
        if self.problems:
            raise SettingsError(self.problems)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        raw = self._raw(name).lower()
        if raw and raw not in _TRUE + _FALSE:
            self.problems.append(f"{name} must be true or false")
        return raw in _TRUE if raw else default

    def amount_cents(self, name: str, *, default: int) -> int:
        """An amount of money such as 100 or 49.99, in cents; ``default`` in cents too."""
        raw = self._raw(name)
        if not raw:
            return default
        amount = _decimal(raw)
        if not amount.is_finite() or not 0 <= amount <= _MAX_AMOUNT or amount != round(amount, 2):
            self.problems.append(f"{name} must be an amount between 0 and {_MAX_AMOUNT}: give e.g. 100 or 49.99")
            return default
        return int(amount * 100)

    def percent(self, name: str, *, default: int) -> int:
        """A whole number of percent, 0 to 100."""
        raw = self._raw(name)
        if not raw:
            return default
        percent = _decimal(raw)
        if not percent.is_finite() or not 0 <= percent <= 100 or percent != int(percent):
            self.problems.append(f"{name} must be a whole number of percent, 0 to 100: give e.g. {default}")
            return default
        return int(percent)

    def time_zone(self, name: str, *, default: str) -> str:
        """The name of a time zone that this machine knows, such as America/Los_Angeles."""
        zone = self._raw(name) or default
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
            self.problems.append(
                f"{name} is not a time zone of this machine: give e.g. America/Los_Angeles, or install tzdata"
            )
        return zone

    def _raw(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def _database_url(self) -> str:
        raw = self._raw("DATABASE_URL") or f"sqlite:///{self._office}.db"
        try:
            url = make_url(raw)
        except ArgumentError:
            self.problems.append(
                "DATABASE_URL is not a database address: give e.g."
                f" sqlite:///{self._office}.db or postgresql://host/{self._office}"
            )
            return raw
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            self.problems.append(
                "DATABASE_URL names a database that is not supported: give a sqlite:// or postgresql:// address"
            )
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)

    def _level(self) -> str:
        raw = self._raw("VOICEMESH_LOG_LEVEL").upper()
        if raw and raw not in _LEVELS:
            self.problems.append(f"VOICEMESH_LOG_LEVEL must be one of {', '.join(_LEVELS)}")
        return raw if raw in _LEVELS else "INFO"

    def _otlp_endpoint(self) -> str:
        raw = self._raw("OTEL_EXPORTER_OTLP_ENDPOINT")
        if raw and not raw.startswith(("http://", "https://")):
            self.problems.append(
                "OTEL_EXPORTER_OTLP_ENDPOINT must start with http:// or https://: give e.g. http://127.0.0.1:4318"
            )
        return raw

    def _key(self) -> str:
        raw = self._raw("VOICEMESH_CAPABILITY_KEY")
        if raw and len(raw) < _MIN_KEY_CHARS:
            self.problems.append(
                f"VOICEMESH_CAPABILITY_KEY must have at least {_MIN_KEY_CHARS} characters, the same in every back office"
            )
        return raw


def _decimal(raw: str) -> Decimal:
    try:
        return Decimal(raw)
    except InvalidOperation:
        return Decimal("NaN")
