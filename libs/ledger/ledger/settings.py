"""What the ledger is told by its environment; the environment itself is read by backoffice/settings.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backoffice import settings as shared
from backoffice.settings import ENVIRONMENT, Reading, SettingsError
from handoff.redis_address import RedisAddress

__all__ = ["Settings", "SettingsError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(shared.Settings):
    """Seconds, unless the name says otherwise."""

    seed_examples: bool = False
    redis_url: str = field(default="", repr=False)
    """Empty when only the database is read."""
    bind_host: str = "0.0.0.0"
    health_port: int = 8080
    metrics_port: int = 9090
    poll_seconds: float = 0.5
    """How often the streams are asked for more: a line is in the database about this long after its call's end."""
    watch_seconds: float = 5.0
    """How often the calls without an ending are counted."""
    ending_bound_seconds: float = 30.0
    """A call that nobody has held for longer should have been ended: guardians give up on a call after about 20 s."""
    call_ttl_seconds: float = 3600.0
    """How long a call's record lives: the workers' setting of the same name."""
    callback_after_seconds: float = 600.0
    """When a callback is due whose caller named no time: a specialist who was busy may be free by then."""
    callback_bound_seconds: float = 3600.0
    """A callback that nobody has made so long after it was due is overdue."""
    time_zone: str = "America/Los_Angeles"
    """Whose "tomorrow morning" a caller's wish is read in."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = ENVIRONMENT, *, needs_redis: bool = True) -> Settings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        reading = _Reading("ledger", environ)
        settings = cls(
            **reading.shared(),
            redis_url=reading.redis_url(is_needed=needs_redis),
            bind_host=reading.text("VOICEMESH_BIND_HOST", default="0.0.0.0"),
            health_port=reading.port("VOICEMESH_HEALTH_PORT", default=8080),
            metrics_port=reading.port("VOICEMESH_METRICS_PORT", default=9090),
            poll_seconds=reading.seconds("VOICEMESH_LEDGER_POLL_SECONDS", default=0.5, low=0.02, high=60),
            watch_seconds=reading.seconds("VOICEMESH_LEDGER_WATCH_SECONDS", default=5.0, low=0.1, high=120),
            ending_bound_seconds=reading.seconds("VOICEMESH_ENDING_BOUND_SECONDS", default=30.0, low=1, high=3600),
            call_ttl_seconds=reading.seconds("VOICEMESH_CALL_TTL_SECONDS", default=3600.0, low=60, high=86400),
            callback_after_seconds=reading.seconds(
                "VOICEMESH_CALLBACK_AFTER_SECONDS", default=600.0, low=0, high=86400
            ),
            callback_bound_seconds=reading.seconds(
                "VOICEMESH_CALLBACK_BOUND_SECONDS", default=3600.0, low=60, high=604800
            ),
            time_zone=reading.time_zone("VOICEMESH_CALLBACK_TIME_ZONE", default="America/Los_Angeles"),
        )
        reading.done()
        return settings


class _Reading(Reading):
    """Adds Redis, ports and times to what a back office reads; leaves out its examples and its key."""

    def shared(self) -> dict[str, Any]:
        return {
            "database_url": self._database_url(),
            "log_level": self._level(),
            "otlp_endpoint": self._otlp_endpoint(),
        }

    def redis_url(self, *, is_needed: bool) -> str:
        url = self._raw("REDIS_URL")
        if not url and is_needed:
            self.problems.append("REDIS_URL is not set: give Redis's address, e.g. redis://127.0.0.1:6379/0")
        try:
            if url:
                RedisAddress.of(url)
        except ValueError as e:
            self.problems.append(f"REDIS_URL {e}")
        return url

    def text(self, name: str, *, default: str) -> str:
        return self._raw(name) or default

    def port(self, name: str, *, default: int) -> int:
        raw = self._raw(name) or str(default)
        if not raw.isdecimal() or int(raw) > 65535:
            self.problems.append(f"{name} must be a port, 0 to 65535: give e.g. {default}")
            return default
        return int(raw)

    def seconds(self, name: str, *, default: float, low: float, high: float) -> float:
        try:
            number = float(self._raw(name) or default)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:  # true for not-a-number too
            self.problems.append(f"{name} must be seconds between {low:g} and {high:g}: give e.g. {default:g}")
            return default
        return number
