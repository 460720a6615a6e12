"""What technical's back office is told by its environment: DATABASE_URL, TECHNICAL_SEED_EXAMPLES, and what all of them read."""

from __future__ import annotations

from collections.abc import Mapping

from backoffice.settings import ENVIRONMENT, Reading, Settings


def read_settings(environ: Mapping[str, str] = ENVIRONMENT) -> Settings:
    """Reads every variable. Raises SettingsError with all problems at once."""
    reading = Reading("technical", environ)
    settings = Settings(**reading.shared())
    reading.done()
    return settings
