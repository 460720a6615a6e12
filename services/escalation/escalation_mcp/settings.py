"""Escalation's limits: how far its agent may go before a human has to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backoffice.settings import ENVIRONMENT, Reading, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationSettings(Settings):
    """``credit_limit_cents``: all credits of an account within a year; ``max_discount_percent``: of one discount."""

    credit_limit_cents: int = 50_00
    max_discount_percent: int = 20
    time_zone: str = "America/Los_Angeles"
    """Where the managers sit: "tomorrow at three" is said and meant there."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = ENVIRONMENT) -> EscalationSettings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        reading = Reading("escalation", environ)
        settings = cls(
            **reading.shared(),
            credit_limit_cents=reading.amount_cents("ESCALATION_CREDIT_LIMIT", default=50_00),
            max_discount_percent=reading.percent("ESCALATION_MAX_DISCOUNT_PERCENT", default=20),
            time_zone=reading.time_zone("ESCALATION_TIME_ZONE", default="America/Los_Angeles"),
        )
        reading.done()
        return settings
