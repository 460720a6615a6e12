"""What sales' back office is told by its environment, beside what every back office is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from backoffice import settings as shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(shared.Settings):
    """``max_discount_percent`` is the highest discount that a quote may have."""

    max_discount_percent: int = 15
    time_zone: str = "America/Los_Angeles"
    """Where the sales team sits: "Tuesday at ten" is said and meant there."""

    def now(self) -> datetime:
        """The time there, without a zone."""
        return datetime.now(ZoneInfo(self.time_zone)).replace(tzinfo=None)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = shared.ENVIRONMENT) -> Settings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        reading = shared.Reading("sales", environ)
        settings = cls(
            **reading.shared(),
            max_discount_percent=reading.percent("SALES_MAX_DISCOUNT_PERCENT", default=15),
            time_zone=reading.time_zone("SALES_TIME_ZONE", default="America/Los_Angeles"),
        )
        reading.done()
        return settings
