"""livekit/sip for a local mesh: telephone calls into LiveKit's rooms and out of them, on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.settings import LocalSettings
from local.supervisor.errors import NotFound
from local.supervisor.livekit import Keys
from local.supervisor.ports import HOST
from local.supervisor.probes import http_ok
from local.supervisor.process import Spec

NAME = "livekit-sip"
VERSION = "1.8.0"
"""The one that tools/livekit-sip builds."""
_RTP_PORTS = "10000-10999"
"""Below those that Ports hands out. Each call takes a free one: several stacks may share them."""


def find_binary(settings: LocalSettings) -> str:
    """LIVEKIT_SIP, else livekit-sip on the PATH, else what `make livekit-sip` has built. Raises NotFound."""
    built = settings.binaries_dir / f"{NAME}-{VERSION}"
    found = settings.sip_binary or shutil.which(NAME, path=settings.search_path) or str(built)
    if not Path(found).is_file():
        raise NotFound(
            f"no livekit/sip: {found} is no file" if settings.sip_binary else "no livekit/sip on this machine",
            advice="`make livekit-sip` builds it",
        )
    return found


@dataclass(frozen=True, slots=True)
class Bridge:
    """livekit/sip: its binary, empty when there is none; after how many seconds without a sound a telephone is hung up (15 by default
    there, too).
    """

    binary: str
    no_sound_seconds: int = 15

    def config(
        self, *, port: int, health_port: int, keys: Keys, livekit_url: str, redis_address: str
    ) -> dict[str, object]:
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
            "media_timeout": f"{self.no_sound_seconds}s",
            # A port is free again as soon as its call is over.
            "rtp_draining_idle_timeout": "-1s",
            "rtp_draining_duration": "-1s",
            "logging": {"level": "info"},
        }

    def spec(
        self,
        *,
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
        settings = self.config(
            port=port, health_port=health_port, keys=keys, livekit_url=livekit_url, redis_address=redis_address
        )
        config_path.write_text(yaml.safe_dump(settings, sort_keys=False))
        command = (self.binary, "--config", str(config_path.resolve()))
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
