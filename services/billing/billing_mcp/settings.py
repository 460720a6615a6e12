"""What billing's back office is told by its environment, besides what every back office is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backoffice import settings as shared
from backoffice.settings import ENVIRONMENT, Reading, SettingsError

__all__ = ["Settings", "SettingsError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(shared.Settings):
    """``refund_limit_cents`` is the most that an account may be refunded by itself, in cents, within 30 days."""

    refund_limit_cents: int = 100_00

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = ENVIRONMENT) -> Settings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        reading = Reading("billing", environ)
        settings = cls(
            **reading.shared(),
            refund_limit_cents=reading.amount_cents("BILLING_REFUND_LIMIT", default=100_00),
        )
        reading.done()
        return settings
