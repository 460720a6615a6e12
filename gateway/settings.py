"""The only place that reads the gateway's environment: every variable, its default, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from handoff.redis_address import RedisAddress

_CLIENT = "gateway/web/node_modules/livekit-client/dist/livekit-client.umd.js"
ENVIRONMENT: Mapping[str, str] = os.environ
_SECRET_CHARS = 32
_WHERE_LIVEKIT_IS = "LiveKit's address, e.g. ws://127.0.0.1:7880"
_KEY = "an API key that the LiveKit server knows"
_ITS_SECRET = "the secret of that key"
_Number = TypeVar("_Number", int, float)


class SettingsError(Exception):
    """The environment is unusable: one line per variable, what is wrong and how to mend it. Never quotes a secret."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the settings are not usable:\n" + "\n".join(f"  - {p}" for p in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Seconds, unless the name says otherwise."""

    livekit_url: str
    """Where LiveKit is for the gateway."""
    public_livekit_url: str
    """Where it is for a browser."""
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret: str = field(repr=False)
    """Signs the cookie by which a reloaded page is recognised; the same in every gateway."""
    embed_secret: str = field(default="", repr=False)
    """With it as bearer a site's own server asks for tokens; empty: no server may."""
    desk_secret: str = field(default="", repr=False)
    """With it humans sign in at the desk; empty: there is no desk."""
    desk_user_header: str = ""
    """A proxy of ours says in this header who is at the desk's page; he need not show the secret."""
    spoken_seconds: float = 2.0
    """From the floor to a service's first word, when a human hands a call back: as the workers have it."""
    origins: tuple[str, ...] = ()
    """Other sites whose pages may ask for tokens themselves."""
    console_secret: str = field(default="", repr=False)
    """Signs a viewer in to the console."""
    console_reader_secret: str = field(default="", repr=False)
    """Signs in one who may also read what callers said."""
    console_user_header: str = ""
    """A proxy of ours says in this header who is signed in with it."""
    console_seconds: int = 8 * 3600
    """How long a viewer stays signed in: a working day."""
    bind_host: str = "0.0.0.0"
    http_port: int = 8088
    metrics_port: int = 9090
    """For Prometheus, and apart from the pages, for those are anybody's."""
    calls_per_minute: int = 10
    """From one address."""
    proxies: int = 0
    """How many proxies of ours stand in front: so many words at the end of X-Forwarded-For, -Host and -Proto are believed."""
    token_seconds: int = 120
    """A token opens the door; once inside, LiveKit renews it."""
    call_seconds: int = 3600
    """How long a reloaded page is recognised: as long as a call's record lives."""
    client_path: Path = Path(_CLIENT)
    """LiveKit's own client for browsers, as npm installs it."""
    otlp_endpoint: str = ""
    """Where spans are sent (OTLP over HTTP, the base address); empty: nowhere."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = ENVIRONMENT) -> Settings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        reading = _Reading(environ)
        livekit_url = reading.url("LIVEKIT_URL", ("ws", "wss"), why=_WHERE_LIVEKIT_IS)
        settings = cls(
            livekit_url=livekit_url,
            public_livekit_url=reading.url("VOICEMESH_PUBLIC_LIVEKIT_URL", ("ws", "wss"), default=livekit_url),
            livekit_api_key=reading.text("LIVEKIT_API_KEY", why=_KEY),
            livekit_api_secret=reading.text("LIVEKIT_API_SECRET", why=_ITS_SECRET),
            redis_url=reading.redis("REDIS_URL", why="Redis's address, e.g. redis://127.0.0.1:6379/0"),
            secret=reading.secret("VOICEMESH_GATEWAY_SECRET", is_needed=True),
            embed_secret=reading.secret("VOICEMESH_EMBED_SECRET", is_needed=False),
            desk_secret=reading.secret("VOICEMESH_DESK_SECRET", is_needed=False),
            desk_user_header=reading.text("VOICEMESH_DESK_USER_HEADER"),
            spoken_seconds=reading.number("VOICEMESH_SPOKEN_TIMEOUT_SECONDS", 2.0, 0.2, 30.0),
            origins=reading.origins("VOICEMESH_ORIGINS"),
            console_secret=reading.secret("VOICEMESH_CONSOLE_SECRET", is_needed=False),
            console_reader_secret=reading.secret("VOICEMESH_CONSOLE_READER_SECRET", is_needed=False),
            console_user_header=reading.text("VOICEMESH_CONSOLE_USER_HEADER"),
            bind_host=reading.text("VOICEMESH_BIND_HOST", default="0.0.0.0"),
            http_port=reading.number("VOICEMESH_HTTP_PORT", 8088, 0, 65535),
            metrics_port=reading.number("VOICEMESH_METRICS_PORT", 9090, 0, 65535),
            calls_per_minute=reading.number("VOICEMESH_CALLS_PER_MINUTE", 10, 1, 100_000),
            proxies=reading.number("VOICEMESH_PROXIES", 0, 0, 10),
            call_seconds=reading.number("VOICEMESH_CALL_TTL_SECONDS", 3600, 60, 86_400),
            client_path=Path(reading.text("VOICEMESH_LIVEKIT_CLIENT", default=_CLIENT)),
            otlp_endpoint=reading.url("OTEL_EXPORTER_OTLP_ENDPOINT", ("http", "https")),
        )
        reading.problems += [*_problems_of_the_console(settings), *_problems_of_the_desk(settings)]
        if reading.problems:
            raise SettingsError(reading.problems)
        return settings

    @property
    def has_console(self) -> bool:
        """Whether anybody can be signed in to it."""
        return bool(self.console_secret or self.console_reader_secret or self.console_user_header)


def _problems_of_the_console(settings: Settings) -> list[str]:
    found = []
    if settings.console_secret and settings.console_secret == settings.console_reader_secret:
        found.append("VOICEMESH_CONSOLE_READER_SECRET must not be VOICEMESH_CONSOLE_SECRET: not every viewer may read")
    if settings.console_user_header and not settings.proxies:
        found.append(
            "VOICEMESH_CONSOLE_USER_HEADER is believed from a proxy of yours alone: say how many stand in front (VOICEMESH_PROXIES)"
        )
    return found


def _problems_of_the_desk(settings: Settings) -> list[str]:
    found = []
    if settings.desk_user_header and not settings.proxies:
        found.append(
            "VOICEMESH_DESK_USER_HEADER is believed from a proxy of yours alone: say how many stand in front (VOICEMESH_PROXIES)"
        )
    if settings.desk_user_header and not settings.desk_secret:
        found.append(
            "VOICEMESH_DESK_USER_HEADER needs VOICEMESH_DESK_SECRET too: the desk's cookies are signed with it"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSettings:
    """What `python -m gateway.phone` needs: LiveKit, and nothing of the call page."""

    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = ENVIRONMENT) -> PhoneSettings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        reading = _Reading(environ)
        settings = cls(
            livekit_url=reading.url("LIVEKIT_URL", ("ws", "wss"), why=_WHERE_LIVEKIT_IS),
            livekit_api_key=reading.text("LIVEKIT_API_KEY", why=_KEY),
            livekit_api_secret=reading.text("LIVEKIT_API_SECRET", why=_ITS_SECRET),
        )
        if reading.problems:
            raise SettingsError(reading.problems)
        return settings


def named_variable(name: str, environ: Mapping[str, str] = ENVIRONMENT) -> str:
    """A variable whose name stands in phone.yaml, where the carrier's password would stand otherwise; empty when it is not set."""
    return environ.get(name, "").strip()


class _Reading:
    """One reading of the environment; collects what is wrong. Unset and empty are the same."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, *, default: str = "", why: str = "") -> str:
        """With ``why`` it is needed, and ``why`` tells what to put there."""
        raw = self._environ.get(name, "").strip()
        if not raw and why:
            self.problems.append(f"{name} is not set: give {why}")
        return raw or default

    def url(self, name: str, schemes: tuple[str, ...], *, default: str = "", why: str = "") -> str:
        raw = self.text(name, default=default, why=why)
        if raw and not any(raw.startswith(f"{scheme}://") for scheme in schemes):
            self.problems.append(f"{name} must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return raw

    def redis(self, name: str, *, why: str) -> str:
        raw = self.text(name, why=why)
        try:
            if raw:
                RedisAddress.of(raw)
        except ValueError as e:
            self.problems.append(f"{name} {e}")
        return raw

    def secret(self, name: str, *, is_needed: bool) -> str:
        raw = self.text(name, why="a secret (`openssl rand -base64 32` makes one)" if is_needed else "")
        if raw and len(raw) < _SECRET_CHARS:
            self.problems.append(
                f"{name} must have at least {_SECRET_CHARS} characters (`openssl rand -base64 32` makes one)"
            )
        return raw

    def origins(self, name: str) -> tuple[str, ...]:
        found = tuple(one.strip().rstrip("/") for one in self.text(name).split(",") if one.strip())
        for origin in found:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
                self.problems.append(f"{name} must be origins with commas between them, e.g. https://www.example.com")
        return found

    def number(self, name: str, default: _Number, low: _Number, high: _Number) -> _Number:
        raw = self.text(name)
        try:
            number = type(default)(raw) if raw else default
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            self.problems.append(f"{name} must be a number between {low:g} and {high:g}: give e.g. {default:g}")
            return default
        return number
