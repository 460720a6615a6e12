"""The only place that reads this process's environment: every variable, its default, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_MAX_LIMIT = Decimal(100_000)


class SettingsError(Exception):
    """The environment is unusable: one line per variable, what is wrong and how to mend it. Never quotes a value."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the settings are not usable:\n" + "\n".join(f"  - {p}" for p in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``refund_limit_cents`` is the highest amount that one refund may have, in cents of the charge's currency."""

    database_url: str = "sqlite:///billing.db"
    refund_limit_cents: int = 100_00
    seed_examples: bool = True
    """Whether an empty database gets the example customers."""
    log_level: str = "INFO"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        problems: list[str] = []
        default = cls()
        settings = cls(
            database_url=_database_url(environ.get("DATABASE_URL", "").strip() or default.database_url, problems),
            refund_limit_cents=_limit(environ.get("BILLING_REFUND_LIMIT", "").strip(), default, problems),
            seed_examples=_flag(environ.get("BILLING_SEED_EXAMPLES", "").strip(), default, problems),
            log_level=_level(environ.get("VOICEMESH_LOG_LEVEL", "").strip().upper(), default, problems),
        )
        if problems:
            raise SettingsError(problems)
        return settings


def _database_url(raw: str, problems: list[str]) -> str:
    try:
        backend = make_url(raw).get_backend_name()
    except ArgumentError:
        problems.append(
            "DATABASE_URL is not a database address: give e.g. sqlite:///billing.db or postgresql+psycopg://host/billing"
        )
        return raw
    if backend not in ("sqlite", "postgresql"):
        problems.append(
            "DATABASE_URL names a database that is not supported: give a sqlite:// or postgresql:// address"
        )
    return raw


def _limit(raw: str, default: Settings, problems: list[str]) -> int:
    if not raw:
        return default.refund_limit_cents
    try:
        limit = Decimal(raw)
    except InvalidOperation:
        limit = Decimal("NaN")
    if not limit.is_finite() or not 0 <= limit <= _MAX_LIMIT or limit != round(limit, 2):
        problems.append(f"BILLING_REFUND_LIMIT must be an amount between 0 and {_MAX_LIMIT}: give e.g. 100 or 49.99")
        return default.refund_limit_cents
    return int(limit * 100)


def _flag(raw: str, default: Settings, problems: list[str]) -> bool:
    if not raw:
        return default.seed_examples
    if raw.lower() not in _TRUE + _FALSE:
        problems.append("BILLING_SEED_EXAMPLES must be true or false: false for a database with real customers")
    return raw.lower() in _TRUE


def _level(raw: str, default: Settings, problems: list[str]) -> str:
    if raw and raw not in _LEVELS:
        problems.append(f"VOICEMESH_LOG_LEVEL must be one of {', '.join(_LEVELS)}")
    return raw if raw in _LEVELS else default.log_level
