"""What is examined: a mesh as it is told of itself. Where its processes' variables come from, and what a person would edit to mend them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from handoff.directory import DIRECTORY
from worker.settings import Settings, SettingsError

from gateway.settings import ENVIRONMENT
from local.supervisor.mesh import BACK_OFFICES, GATEWAY, LEDGER
from local.up.running import Running
from tools.doctor.kubectl import Cluster
from tools.doctor.results import Skipped
from tools.house import ROOT

SERVICES = tuple(DIRECTORY)
COMPOSE_HOSTS = {"LIVEKIT_URL": "ws://127.0.0.1:7880", "VOICEMESH_DRAIN_SECONDS": "60"}
"""docker-compose.yml tells its containers of each other by names that this machine does not know; these ports are open on it."""


class Kind(StrEnum):
    """Who runs it."""

    UP = "`make up`"
    COMPOSE = "Docker Compose"
    OWN = "processes of your own"
    KUBERNETES = "Kubernetes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``variables`` are those of each process that is known, by name (``triage``, ``billing_mcp``, ``ledger``, ``gateway``)."""

    kind: Kind
    home: str
    """Where a person mends a variable."""
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    page_url: str = ""
    prometheus_url: str = ""
    rules: Path = ROOT / "charts" / "rules"
    """The alerts that this release brings."""
    redis_admin_url: str = field(default="", repr=False)
    """A user of Redis who may ask INFO and CONFIG, where the mesh's own may not."""
    grace_seconds: float | None = None
    """How long whoever stops a worker waits before he kills it; None where nobody told."""
    cluster: Cluster | None = None
    caller: str = ""
    """The recorded caller of a test call; empty: none is placed."""
    now: Callable[[], float] = time.time
    """This machine's clock, seconds since the epoch."""

    def __str__(self) -> str:
        return self.home

    @property
    def is_local(self) -> bool:
        """A mesh for one person, on loopback: it keeps nothing, and shall not."""
        return self.kind is Kind.UP

    def restart(self, process: str) -> str:
        """The command by which a process takes up what was mended."""
        match self.kind:
            case Kind.UP:
                return f"make restart SERVICE={process}"
            case Kind.COMPOSE:
                return f"docker compose up -d {process.replace('_', '-')}"
            case Kind.KUBERNETES:
                return f"kubectl rollout restart deploy/{process}"
        is_ours = process in (*SERVICES, *BACK_OFFICES.values(), LEDGER, GATEWAY)
        return f"start {process} again" + (f" (python -m {process})" if is_ours else "")

    def value(self, name: str) -> str:
        """A variable that is the same for all processes, by the first one that has it. Raises Skipped when none has."""
        found = next((env[name] for env in self.variables.values() if env.get(name)), "")
        if not found:
            raise Skipped(f"{name} is not known here{self._inside}")
        return found

    def of(self, process: str) -> Mapping[str, str]:
        """One process's variables. Raises Skipped when they are not known."""
        if process not in self.variables:
            raise Skipped(f"the variables of {process} are not known here{self._inside}")
        return self.variables[process]

    def worker(self, service: str = "triage") -> Settings:
        """A worker's settings. Raises Skipped when they are not usable: the check `settings` says why."""
        try:
            return Settings.from_env(self.of(service))
        except SettingsError:
            raise Skipped(f"the settings of {service} are not usable: see the check settings") from None

    @property
    def workers(self) -> tuple[str, ...]:
        """Services whose variables are known."""
        return tuple(service for service in SERVICES if service in self.variables)

    @property
    def _inside(self) -> str:
        return ": in a cluster the pods look for themselves, see k8s.inside" if self.cluster else ""


def of_make_up(running: Running, **more: object) -> Target:
    """The mesh that stays up on this machine."""
    from local.up.keeper import DRAIN_SECONDS

    # The keeper kills what has not ended 15 s after its drain should have (local/up/keeper.py).
    return Target(
        kind=Kind.UP,
        home="the mesh of `make up`",
        variables=running.variables,
        page_url=running.page_url,
        grace_seconds=DRAIN_SECONDS + 15.0,
        **more,  # type: ignore[arg-type]
    )


def of_files(files: Mapping[str, Path], *, grace_seconds: float | None = None, **more: object) -> Target:
    """``files``: by process, or "" for all processes. A file of `make env-file` has no addresses: it is Docker Compose's.
    Raises OSError, ValueError."""
    read = {process: read_env(path) for process, path in files.items()}
    shared = read.get("", {})
    is_compose = bool(shared) and "REDIS_URL" not in shared and "LIVEKIT_URL" not in shared
    if is_compose:
        redis = f"redis://127.0.0.1:{shared.get('VOICEMESH_REDIS_PORT') or 6379}/0"
        inside = {"VOICEMESH_SPEECH_URL": shared.get("VOICEMESH_SPEECH_URL", "http://speech:8790/v1")}
        shared = {"REDIS_URL": redis, **COMPOSE_HOSTS, **shared, **inside}
        grace_seconds = grace_seconds or 90.0
    variables = {name: {**shared, **read.get(name, {})} for name in _processes(read, shared)}
    port = shared.get("VOICEMESH_PAGE_PORT" if is_compose else "VOICEMESH_HTTP_PORT") or "8088"
    return Target(
        kind=Kind.COMPOSE if is_compose else Kind.OWN,
        home=", ".join(str(path) for path in files.values()),
        variables=variables,
        page_url=f"http://127.0.0.1:{port}/" if GATEWAY in variables else "",
        grace_seconds=grace_seconds,
        **more,  # type: ignore[arg-type]
    )


def of_environment(**more: object) -> Target:
    """Processes that were started with the variables of this shell."""
    shared = {name: value for name, value in ENVIRONMENT.items() if value}
    variables = dict.fromkeys(_processes({}, shared), shared)
    return Target(kind=Kind.OWN, home="the shell's variables", variables=variables, **more)  # type: ignore[arg-type]


def of_cluster(cluster: Cluster, **more: object) -> Target:
    """A release on Kubernetes."""
    home = f"namespace {cluster.namespace}" if cluster.namespace else "kubectl's namespace"
    return Target(kind=Kind.KUBERNETES, home=home, cluster=cluster, **more)  # type: ignore[arg-type]


def read_env(path: Path) -> dict[str, str]:
    """The variables of a .env file: `NAME=value`, `export` before it or not, quoted or not; # begins a comment's line.
    Raises OSError, and ValueError with the number of a line that is none."""
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise ValueError(f"{path}:{number}: not NAME=value")
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        found[name.strip()] = value[1:-1] if quoted else value
    return found


def _processes(read: Mapping[str, Mapping[str, str]], shared: Mapping[str, str]) -> list[str]:
    """Whose variables these are: all of a mesh, as far as the shared ones can be theirs."""
    named = [name for name in read if name]
    if not shared:
        return named
    common = [*SERVICES, LEDGER]
    if "VOICEMESH_GATEWAY_SECRET" in shared:
        common.append(GATEWAY)
    if "VOICEMESH_CAPABILITY_KEY" in shared:
        common += BACK_OFFICES.values()
    return list(dict.fromkeys([*common, *named]))
