"""The only place that reads this process's environment: every variable, its default, and what is wrong with it.

What Kubernetes itself tells every pod (the API server's address, the ServiceAccount's files) is taken as it comes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT: Mapping[str, str] = os.environ
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """The environment is unusable: one line per variable, what is wrong and how to mend it."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the settings are not usable:\n" + "\n".join(f"  - {p}" for p in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Seconds, unless the name says otherwise."""

    api_host: str
    """The API server's, as Kubernetes tells every pod."""
    api_port: int = 443
    namespace: str
    """Whose worker pods are looked after."""
    account_dir: Path = Path(_ACCOUNT)
    """Where ``token`` and ``ca.crt`` of the ServiceAccount are mounted; both are changed in place while we run."""
    round_seconds: float = 2.0
    """From one look at all pods to the next."""
    pod_port: int = 8080
    """The workers' health port."""
    bind_host: str = "0.0.0.0"
    health_port: int = 8080
    metrics_port: int = 9090
    log_level: str = "INFO"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = ENVIRONMENT) -> Settings:
        """Reads every variable, and looks for the ServiceAccount's files. Raises SettingsError with all problems at once."""
        reading = _Reading(environ)
        account_dir = Path(reading.text("VOICEMESH_SCALE_DOWN_ACCOUNT_DIR") or _ACCOUNT)
        settings = cls(
            api_host=reading.api_host(),
            api_port=reading.port("KUBERNETES_SERVICE_PORT", default=443),
            namespace=reading.namespace(account_dir),
            account_dir=account_dir,
            round_seconds=reading.seconds("VOICEMESH_SCALE_DOWN_SECONDS", default=2.0, low=0.02, high=10),
            pod_port=reading.port("VOICEMESH_SCALE_DOWN_POD_PORT", default=8080),
            bind_host=reading.text("VOICEMESH_BIND_HOST") or "0.0.0.0",
            health_port=reading.port("VOICEMESH_HEALTH_PORT", default=8080),
            metrics_port=reading.port("VOICEMESH_METRICS_PORT", default=9090),
            log_level=reading.level(),
        )
        if reading.problems:
            raise SettingsError(reading.problems)
        return settings


class _Reading:
    """One reading of the environment; collects what is wrong. Unset and empty are the same."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def api_host(self) -> str:
        host = self.text("KUBERNETES_SERVICE_HOST")
        if not host:
            self.problems.append(
                "KUBERNETES_SERVICE_HOST is not set: this runs in a pod of the cluster, where Kubernetes sets it"
            )
        return host

    def namespace(self, account_dir: Path) -> str:
        """POD_NAMESPACE, else as mounted beside the token; tells of all files that are missing there."""
        mounted = {name: _content(account_dir / name) for name in ("token", "ca.crt", "namespace")}
        if missing := [name for name in ("token", "ca.crt") if not mounted[name]]:
            self.problems.append(
                f"no {' and no '.join(missing)} in {account_dir}: give the pod its ServiceAccount"
                " (serviceAccountName, automountServiceAccountToken: true)"
            )
        namespace = self.text("POD_NAMESPACE") or mounted["namespace"]
        if not namespace:
            self.problems.append("POD_NAMESPACE is not set, and none is mounted: give the namespace of the workers")
        return namespace

    def port(self, name: str, *, default: int) -> int:
        raw = self.text(name) or str(default)
        if not raw.isdecimal() or int(raw) > 65535:
            self.problems.append(f"{name} must be a port, 0 to 65535: give e.g. {default}")
            return default
        return int(raw)

    def seconds(self, name: str, *, default: float, low: float, high: float) -> float:
        try:
            number = float(self.text(name) or default)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:  # true for not-a-number too
            self.problems.append(f"{name} must be seconds between {low:g} and {high:g}: give e.g. {default:g}")
            return default
        return number

    def level(self) -> str:
        level = self.text("VOICEMESH_LOG_LEVEL").upper() or "INFO"
        if level not in _LEVELS:
            self.problems.append(f"VOICEMESH_LOG_LEVEL must be one of {', '.join(_LEVELS)}")
            return "INFO"
        return level


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
