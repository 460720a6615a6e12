"""The only place in `local` that reads the environment: where things are cached, and what the mesh's processes inherit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BRAIN_VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "VOICEMESH_LLM_MODEL",
    "VOICEMESH_STT_MODEL",
    "VOICEMESH_TTS_MODEL",
)
"""What selects a language model instead of the playbook. `demo`, `calls` and `up` hand them on; tests do not."""

_OURS = ("VOICEMESH_", "LIVEKIT_", "OPENAI_", "REDIS_URL", "DATABASE_URL")
"""Prefixes that a mesh sets for its processes itself: the shell's values must not leak into them. Where spans go (OTEL_...) is not a
mesh's own business: whoever sets it in his shell wants them of whatever he starts."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What the machine gives the local mesh."""

    cache_dir: Path
    """VOICEMESH_CACHE_DIR: built binaries, the callers' spoken lines, the mesh's kept sentences; survives `make clean`. Default: the user's cache."""
    inherited: Mapping[str, str]
    """The environment of every process that is started, before the mesh adds its own variables."""
    brain: Mapping[str, str]
    """Those of BRAIN_VARIABLES that are set."""
    sip_binary: str = ""
    """LIVEKIT_SIP: livekit/sip's binary, for real telephone calls; empty: the one on the PATH, or in the cache, if there is one."""

    @property
    def has_model(self) -> bool:
        """Whether a language model answers, as a worker decides it: the other variables only choose among models."""
        return bool(self.brain.get("OPENAI_API_KEY") or self.brain.get("OPENAI_BASE_URL"))

    @property
    def binaries_dir(self) -> Path:
        """Where binaries built for this machine are kept."""
        return self.cache_dir / "bin"

    @property
    def search_path(self) -> str:
        """PATH, as a search for programs wants it."""
        return self.inherited.get("PATH", os.defpath)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> LocalSettings:
        """Reads the process's environment, or the mapping a test gives."""
        env = os.environ if environ is None else environ
        home_cache = Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or Path.home()) / ".cache")
        return cls(
            cache_dir=Path(env.get("VOICEMESH_CACHE_DIR") or home_cache / "voice-mesh"),
            inherited={name: value for name, value in env.items() if not name.startswith(_OURS)},
            brain={name: env[name] for name in BRAIN_VARIABLES if env.get(name)},
            sip_binary=env.get("LIVEKIT_SIP", ""),
        )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A mesh that this machine has not started, and that is to be called."""

    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)
    redis_url: str = field(repr=False)
    speech_url: str = ""
    """A speech server that gives the caller his voice and listens to the recording; empty: one is started for it."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Elsewhere:
        """Reads the process's environment, or the mapping a test gives. Raises ValueError, which names all that is missing."""
        env = os.environ if environ is None else environ
        needed = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "REDIS_URL")
        if missing := [name for name in needed if not env.get(name)]:
            raise ValueError(f"{', '.join(missing)}: not set; give what the workers of that mesh have")
        url, key, secret, redis_url = (env[name] for name in needed)
        return cls(url, key, secret, redis_url, env.get("VOICEMESH_SPEECH_URL", "").rstrip("/"))
