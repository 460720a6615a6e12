"""The only place that reads a service's environment: every variable, its default, and what is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from handoff import tls
from handoff.agent_ids import canary_of
from handoff.canary import MOST_WEIGHT
from handoff.redis_address import RedisAddress


class SettingsError(Exception):
    """The environment is unusable. ``problems`` holds one line per variable: what is wrong and how to mend it."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the settings are not usable:\n" + "\n".join(f"  - {p}" for p in problems))


def _text(raw: str) -> str:
    return raw.strip()


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        url = raw.strip()
        if url and not any(url.startswith(f"{s}://") for s in schemes):
            raise ValueError(f"must start with {' or '.join(f'{s}://' for s in schemes)}")
        return url

    return parse


def _redis(raw: str) -> str:
    RedisAddress.of(raw)
    return raw.strip()


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            number = float(raw)
        except ValueError:
            raise ValueError("must be a number") from None
        if not low <= number <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return number

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"must lie between {low} and {high}")
        return number

    return parse


def _peers(raw: str) -> dict[str, str]:
    peers = {}
    for item in filter(None, (part.strip() for part in raw.split(","))):
        name, equals, address = item.partition("=")
        if not equals or not all(":" in one for one in address.split("|")):
            raise ValueError("must look like billing=127.0.0.1:50051|127.0.0.1:50061,triage=127.0.0.1:50052")
        peers[name.strip()] = address.strip()
    return peers


def _tls_dir(raw: str) -> str:
    folder = raw.strip()
    missing = [name for name in tls.FILES if not (Path(folder) / name).is_file()]
    if missing:
        raise ValueError(f"leads to {folder}, where there is no {' and no '.join(missing)}")
    return folder


def _version(raw: str) -> str:
    version = raw.strip()
    if len(version) > 128 or not version.isprintable():
        raise ValueError("must be one line of at most 128 characters")
    return version


def _canary_weight(raw: str) -> int:
    # Nothing is no canary. Zero is refused: whoever wrote it meant a canary, and would get a worker like all others.
    return _whole(1, MOST_WEIGHT)(raw) if raw.strip() else 0


@dataclass(frozen=True, slots=True)
class Phone:
    """Where a human of ours is reached by telephone."""

    number: str = field(repr=False)
    """In E.164. Private, as a caller's: never logged."""
    name: str = ""
    """How callers are told who takes over; empty when they shall not be."""
    extension: str = field(default="", repr=False)
    """The keys to press once a house's own switchboard has answered; empty when the number leads to him directly."""


_PHONE = re.compile(r"(?:(?P<name>[^\W\d_][\w .'’-]{0,39})=)?(?P<number>\+[1-9]\d{6,14})(?:x(?P<extension>\d{1,10}))?")


def _phones(raw: str) -> tuple[Phone, ...]:
    found = [_PHONE.fullmatch(part.strip()) for part in raw.split(",") if part.strip()]
    if None in found:
        raise ValueError(
            "must look like Anna=+15550100001,+15550100002x41: + and the country's code first, digits alone, and behind an x an extension"
        )
    return tuple(Phone(match["number"], match["name"] or "", match["extension"] or "") for match in found if match)


def _secrets(raw: str) -> str:
    if any(len(secret.strip()) < 32 for secret in raw.split(",")):
        raise ValueError(
            "must be of at least 32 characters each, the newest first (`openssl rand -base64 32` makes one)"
        )
    return raw.strip()


_PORT = _whole(0, 65535)


def _var(name: str, parse: Callable[[str], Any], default: Any = MISSING, *, why: str) -> Any:
    """A field read from variable ``name``; without a default it is required. ``why`` tells a person what to put there."""
    meta = {"name": name, "parse": parse, "why": why}
    if default is MISSING:
        return field(metadata=meta)
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=meta)
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A worker's settings; seconds unless the name says otherwise."""

    livekit_url: str = _var("LIVEKIT_URL", _url("ws", "wss"), why="LiveKit's address, e.g. ws://127.0.0.1:7880")
    livekit_api_key: str = _var("LIVEKIT_API_KEY", _text, why="an API key that the LiveKit server knows")
    livekit_api_secret: str = _var("LIVEKIT_API_SECRET", _text, why="the secret of that key")
    redis_url: str = _var("REDIS_URL", _redis, why="Redis's address, e.g. redis://127.0.0.1:6379/0")

    openai_api_key: str = _var("OPENAI_API_KEY", _text, "", why="the key of an OpenAI-compatible provider")
    openai_base_url: str = _var(
        "OPENAI_BASE_URL", _url("http", "https"), "", why="an OpenAI-compatible provider's address"
    )
    llm_model: str = _var("VOICEMESH_LLM_MODEL", _text, "gpt-4.1-mini", why="the language model's name")
    llm_timeout_seconds: float = _var(
        "VOICEMESH_LLM_TIMEOUT_SECONDS", _number(0.5, 60), 4.0, why="a model's silence before the next in line answers"
    )
    fallback_model: str = _var("VOICEMESH_FALLBACK_LLM_MODEL", _text, "", why="a model to ask when the first one fails")
    fallback_base_url: str = _var(
        "VOICEMESH_FALLBACK_BASE_URL", _url("http", "https"), "", why="its provider's address, when it is another one"
    )
    fallback_api_key: str = _var("VOICEMESH_FALLBACK_API_KEY", _text, "", why="the key of that provider")
    stt_model: str = _var("VOICEMESH_STT_MODEL", _text, "gpt-4o-mini-transcribe", why="the speech-to-text model's name")
    tts_model: str = _var("VOICEMESH_TTS_MODEL", _text, "gpt-4o-mini-tts", why="the text-to-speech model's name")
    speech_url: str = _var(
        "VOICEMESH_SPEECH_URL", _url("http", "https"), "", why="an OpenAI-compatible speech server of your own"
    )
    fallback_speech_url: str = _var(
        "VOICEMESH_FALLBACK_SPEECH_URL",
        _url("http", "https"),
        "",
        why="a speech provider to ask when the first one fails",
    )
    fallback_stt_model: str = _var("VOICEMESH_FALLBACK_STT_MODEL", _text, "", why="its speech-to-text model's name")
    fallback_tts_model: str = _var("VOICEMESH_FALLBACK_TTS_MODEL", _text, "", why="its text-to-speech model's name")
    fallback_voice: str = _var(
        "VOICEMESH_FALLBACK_VOICE", _text, "", why="its voice; empty = the service's own name for it"
    )
    mcp_url: str = _var(
        "VOICEMESH_MCP_URL", _url("http", "https"), "", why="this service's MCP server, e.g. http://127.0.0.1:8000/mcp"
    )
    peers: Mapping[str, str] = _var("VOICEMESH_PEERS", _peers, {}, why="gRPC addresses of the other services")

    tls_dir: str = _var(
        "VOICEMESH_TLS_DIR",
        _tls_dir,
        "",
        why="a folder with tls.crt, tls.key and ca.crt; empty = services do not prove who they are",
    )

    version: str = _var("VOICEMESH_VERSION", _version, "", why="this worker's release; empty = its package's version")
    canary_weight: int = _var(
        "VOICEMESH_CANARY_WEIGHT",
        _canary_weight,
        0,
        why="per cent of the handoffs that go to this canary, 1 to 50; empty = this worker is none",
    )

    bind_host: str = _var("VOICEMESH_BIND_HOST", _text, "0.0.0.0", why="the address that the servers listen on")
    health_port: int = _var("VOICEMESH_HEALTH_PORT", _PORT, 8080, why="a free port for /health")
    metrics_port: int = _var("VOICEMESH_METRICS_PORT", _PORT, 9090, why="a free port for Prometheus")
    grpc_port: int = _var("VOICEMESH_GRPC_PORT", _PORT, 50051, why="a free port for the handoff contract")
    max_sessions: int = _var("VOICEMESH_MAX_SESSIONS", _whole(1, 1000), 8, why="how many calls this worker takes")
    idle_processes: int = _var("VOICEMESH_IDLE_PROCESSES", _whole(0, 32), 1, why="job processes kept warm")
    drain_seconds: int = _var("VOICEMESH_DRAIN_SECONDS", _whole(0, 7200), 60, why="how long SIGTERM waits for calls")

    offer_timeout_seconds: float = _var(
        "VOICEMESH_OFFER_TIMEOUT_SECONDS", _number(0.05, 30), 0.5, why="how long an offer may take"
    )
    ready_timeout_seconds: float = _var(
        "VOICEMESH_READY_TIMEOUT_SECONDS", _number(0.5, 60), 4.0, why="from dispatch to a waiting taker"
    )
    spoken_timeout_seconds: float = _var(
        "VOICEMESH_SPOKEN_TIMEOUT_SECONDS", _number(0.2, 30), 2.0, why="from floor to first word"
    )
    lease_seconds: float = _var(
        "VOICEMESH_LEASE_SECONDS", _number(0.2, 60), 1.0, why="how long the floor is held without renewal"
    )
    recovery_seconds: float = _var(
        "VOICEMESH_RECOVERY_SECONDS", _number(1, 60), 4.0, why="how long a successor has until its first word"
    )
    guardian_poll_seconds: float = _var(
        "VOICEMESH_GUARDIAN_POLL_SECONDS", _number(0.02, 10), 0.1, why="how often calls without an owner are looked for"
    )
    hold_seconds: float = _var(
        "VOICEMESH_HOLD_SECONDS", _number(0, 600), 30.0, why="longest wait with music for a busy specialist; 0 = never"
    )
    desk_seconds: float = _var(
        "VOICEMESH_DESK_SECONDS",
        _number(0, 600),
        60.0,
        why="longest wait for a human at the desk; 0 = none is asked there",
    )
    desk_phones: tuple[Phone, ...] = _var(
        "VOICEMESH_DESK_PHONES",
        _phones,
        (),
        why="numbers of humans to call when none is at the desk; empty = none is called",
    )
    desk_trunk: str = _var(
        "VOICEMESH_DESK_TRUNK",
        _text,
        "voicemesh/main/outbound",
        why="by which of LiveKit's outbound trunks: its name, or ST_...",
    )
    desk_ring_seconds: int = _var(
        "VOICEMESH_DESK_RING_SECONDS", _whole(5, 60), 20, why="how long each of these telephones rings"
    )
    seal_key: str = _var(
        "VOICEMESH_SEAL_KEY", _secrets, "", why="the mesh's common secret, or two, for handoffs while Redis is away"
    )
    tool_timeout_seconds: float = _var(
        "VOICEMESH_TOOL_TIMEOUT_SECONDS", _number(0.5, 60), 5.0, why="how long a tool may take"
    )
    silence_seconds: float = _var(
        "VOICEMESH_SILENCE_SECONDS", _number(2, 120), 8.0, why="caller's silence before we ask"
    )
    phone_speed: float = _var(
        "VOICEMESH_PHONE_SPEED", _number(0.5, 1.5), 0.9, why="the pace of our voices by telephone; 1 = as on the web"
    )
    min_confidence: float = _var(
        "VOICEMESH_MIN_CONFIDENCE", _number(0, 1), 0.5, why="below it a hearing leads to a question"
    )
    call_ttl_seconds: float = _var(
        "VOICEMESH_CALL_TTL_SECONDS", _number(60, 86400), 3600.0, why="how long a call's record lives"
    )
    handoff_ttl_seconds: float = _var(
        "VOICEMESH_HANDOFF_TTL_SECONDS", _number(10, 3600), 300.0, why="how long a context is fresh"
    )
    clips_dir: str = _var(
        "VOICEMESH_CLIPS_DIR",
        _text,
        "",
        why="where sentences for the worst case are kept; empty = with temporary files",
    )
    log_level: str = _var("VOICEMESH_LOG_LEVEL", _text, "INFO", why="DEBUG, INFO, WARNING or ERROR")
    otlp_endpoint: str = _var(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        _url("http", "https"),
        "",
        why="where spans are sent (OTLP over HTTP), e.g. http://127.0.0.1:4318; empty = nowhere",
    )

    @property
    def has_model(self) -> bool:
        """Whether a language model is at hand; without one the playbook answers."""
        return bool(self.openai_api_key or self.openai_base_url)

    def name_of(self, service: str) -> str:
        """What leads to this worker, LiveKit's agent_name: its service's name, or its canary's."""
        return canary_of(service) if self.canary_weight else service

    def peer(self, service: str) -> str:
        """gRPC address of a service's first worker: as configured, else its DNS name on the standard port."""
        return self.addresses(service)[0]

    def addresses(self, service: str) -> tuple[str, ...]:
        """gRPC addresses of all workers of a service that are known; never empty."""
        return tuple(self.peers.get(service, f"{service}:50051").split("|"))

    @classmethod
    def of_this_process(cls) -> Settings:
        """The settings of the process's own environment. Raises SettingsError."""
        return cls.from_env(os.environ)

    @classmethod
    def one_of_this_process(cls, field_name: str) -> Any:
        """One of them alone, for a command that needs no more. Raises SettingsError."""
        (f,) = (f for f in fields(cls) if f.name == field_name)
        name, why = f.metadata["name"], f.metadata["why"]
        raw = os.environ.get(name, "")
        if not raw.strip():
            raise SettingsError([f"{name} is not set: give {why}"])
        try:
            return f.metadata["parse"](raw)
        except ValueError as e:
            raise SettingsError([f"{name} {e}; give {why}"]) from None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Reads every variable. Raises SettingsError with all problems at once."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for f in fields(cls):
            name, why = f.metadata["name"], f.metadata["why"]
            raw = environ.get(name, "")
            if not raw.strip():
                if f.default is MISSING and f.default_factory is MISSING:
                    problems.append(f"{name} is not set: give {why}")
                continue
            try:
                values[f.name] = f.metadata["parse"](raw)
            except ValueError as e:
                problems.append(f"{name} {e}; give {why}")
        if not problems and not (
            values.get("openai_api_key") or values.get("openai_base_url") or values.get("speech_url")
        ):
            problems.append(
                "no speech at hand: set OPENAI_API_KEY (or OPENAI_BASE_URL), or VOICEMESH_SPEECH_URL for a speech server of"
                " your own; `make demo` starts an embedded one"
            )
        if problems:
            raise SettingsError(problems)
        return cls(**values)
