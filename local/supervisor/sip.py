"""livekit/sip for a local mesh: telephone calls into LiveKit's rooms and out of them, on loopback. How the binary is made: docs/phone.md."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from local.settings import LocalSettings
from local.supervisor.errors import NotFound
from local.supervisor.livekit import Keys
from local.supervisor.ports import HOST
from local.supervisor.probes import http_ok
from local.supervisor.process import Spec

NAME = "livekit-sip"
_RTP_PORTS = "10000-10999"
"""Below those that Ports hands out. Each call takes a free one: several stacks may share them."""
_NO_SOUND_SECONDS = 4
"""livekit/sip hangs up a telephone that sends no sound for 15 s, by default: longer than a test should wait."""


def find_binary(settings: LocalSettings) -> str:
    """LIVEKIT_SIP, else livekit-sip on the PATH. Raises NotFound."""
    found = settings.sip_binary or shutil.which(NAME, path=settings.search_path)
    if not found or not Path(found).is_file():
        raise NotFound(
            f"no livekit/sip: LIVEKIT_SIP names no file, and {NAME} is not on the PATH",
            advice="docs/phone.md says how to build it",
        )
    return found


def config(*, port: int, health_port: int, keys: Keys, livekit_url: str, redis_address: str) -> dict[str, object]:
    """Its settings: it tells everybody that it is at loopback."""
    return {
        "api_key": keys.api_key,
        "api_secret": keys.api_secret,
        "ws_url": livekit_url,
        "redis": {"address": redis_address},
        "listen_ip": HOST,
        # It passes loopback over when it looks for its own address.
        "nat_1_to_1_ip": HOST,
        "sip_port": port,
        "rtp_port": _RTP_PORTS,
        "health_port": health_port,
        # Else a machine that is busy for a moment makes no calls.
        "max_cpu_utilization": 1.0,
        "media_timeout": f"{_NO_SOUND_SECONDS}s",
        # A port is free again as soon as its call is over.
        "rtp_draining_idle_timeout": "-1s",
        "rtp_draining_duration": "-1s",
        "logging": {"level": "info"},
    }


def spec(
    *,
    binary: str,
    port: int,
    health_port: int,
    keys: Keys,
    livekit_url: str,
    redis_address: str,
    config_path: Path,
    env: Mapping[str, str],
) -> Spec:
    """Writes the configuration (it holds the secret: readable by its owner only) and says how to run it."""
    config_path.parent.mkdir(parents=True, exist_ok=True)
    config_path.touch(mode=0o600)
    settings = config(
        port=port, health_port=health_port, keys=keys, livekit_url=livekit_url, redis_address=redis_address
    )
    config_path.write_text(yaml.safe_dump(settings, sort_keys=False))
    command = (binary, "--config", str(config_path.resolve()))
    return Spec(
        name=NAME,
        command=command,
        env=env,
        probe=http_ok(f"http://{HOST}:{health_port}/"),
        after=("redis", "livekit"),
        ready_seconds=20,
        # SIGTERM waits for calls to end.
        stop_seconds=1,
        advice=f"try `{' '.join(command)}` by hand",
    )
