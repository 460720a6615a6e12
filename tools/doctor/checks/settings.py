"""Whether the processes would start with what they are told, and whether their secrets are secrets."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from urllib.parse import unquote, urlsplit

from backoffice.settings import Reading
from backoffice.settings import Settings as OfficeSettings
from backoffice.settings import SettingsError as OfficeSettingsError
from ledger.settings import Settings as LedgerSettings
from worker.settings import Settings, SettingsError

from gateway.settings import Settings as GatewaySettings
from gateway.settings import SettingsError as GatewaySettingsError
from local.supervisor.mesh import BACK_OFFICES, GATEWAY, LEDGER
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import SERVICES, Target
from tools.house import ROOT

SECRETS = (
    "LIVEKIT_API_SECRET",
    "VOICEMESH_SEAL_KEY",
    "VOICEMESH_CAPABILITY_KEY",
    "VOICEMESH_GATEWAY_SECRET",
    "VOICEMESH_DESK_SECRET",
    "VOICEMESH_CONSOLE_SECRET",
    "VOICEMESH_CONSOLE_READER_SECRET",
    "VOICEMESH_EMBED_SECRET",
    "POSTGRES_PASSWORD",
    "GRAFANA_PASSWORD",
)
"""Who knows one of these may listen to calls, take them over, or open accounts. (Databases have passwords of their own, in their URLs.)"""
_MIN_CHARS = 32
_SHORTER = {"POSTGRES_PASSWORD": 16, "GRAFANA_PASSWORD": 16}
_WITH_PASSWORDS = ("DATABASE_URL", "REDIS_URL")
"""How long these are is their owner's to choose; a sample they may not be."""
_SAME_BY_DESIGN = {"VOICEMESH_DESK_SECRET", "VOICEMESH_CONSOLE_READER_SECRET"}
"""`make up` opens both to the one person who started it."""
_KNOWN = ("secret", "devsecret", "devkey", "password", "changeme", "postgres", "admin", "voicemesh")
_LOOKS_MADE_UP = re.compile(r"change[-_ ]?me|example|placeholder|your[-_ ]?secret|replace[-_ ]?me", re.IGNORECASE)
_FEWEST_SIGNS = 8
"""Thirty-two random characters have some twenty different ones among them."""


async def settings(target: Target) -> Answer:
    """A process with an unusable variable ends at its start, and its orchestrator starts it again, for ever.

    Each process's own settings are read as it reads them itself; its own words are passed on.
    """
    readers = {
        **dict.fromkeys(SERVICES, Settings.from_env),
        LEDGER: LedgerSettings.from_env,
        GATEWAY: GatewaySettings.from_env,
        **dict.fromkeys(BACK_OFFICES.values(), _office),
    }
    known = [name for name in readers if name in target.variables]
    if not known:
        raise Skipped("no process's variables are known here")
    where: dict[str, list[str]] = defaultdict(list)
    for name in known:
        for problem in _problems(readers[name], name, target.variables[name]):
            where[problem].append(name)
    troubles = [
        Trouble(problem, f"{', '.join(names)}, in {target.home}", f"{_advice(problem)}, in {target.home}; then {target.restart(names[0])}")
        for problem, names in where.items()
    ]  # fmt: skip
    return f"{len(known)} processes can read theirs", troubles


async def secrets(target: Target) -> Answer:
    """A secret from an example is known to everybody who has read it: whoever has LiveKit's may listen to every call."""
    held: dict[tuple[str, str], list[str]] = defaultdict(list)
    for process, env in target.variables.items():
        for name in SECRETS:
            for value in filter(None, (one.strip() for one in env.get(name, "").split(","))):
                held[name, value].append(process)
        for name in _WITH_PASSWORDS:
            if password := _password(env.get(name, "")):
                held[f"the password of {name}", password].append(process)
    if not held:
        raise Skipped("no secret is known here: in a cluster see k8s.secrets")
    troubles = []
    for (name, value), processes in held.items():
        least = 1 if name.startswith("the password") else _SHORTER.get(name, _MIN_CHARS)
        if wrong := weakness(value, least=least):
            troubles.append(
                Trouble(
                    f"{name} {wrong}",
                    f"{', '.join(processes)}, in {target.home}",
                    f"openssl rand -base64 32 makes one: set {name} to it in {target.home}"
                    + (", and in LiveKit's own configuration (keys:)" if name.startswith("LIVEKIT") else ""),
                )
            )
    troubles += _missing(target) + _shared(target, held)
    return f"{len({name for name, _ in held})} secrets, long enough and none of an example", troubles


def weakness(value: str, *, least: int = _MIN_CHARS) -> str:
    """What is wrong with a secret, as the end of a sentence; empty when nothing is. Never quotes it."""
    if value.lower() in _KNOWN or value in samples() or _LOOKS_MADE_UP.search(value):
        return "is a sample that everybody can read"
    if len(value) < least:
        return f"has {len(value)} characters, and {least} or more are needed"
    if len(set(value)) < min(_FEWEST_SIGNS, least):
        return "repeats a few characters: it can be guessed"
    return ""


@cache
def samples() -> frozenset[str]:
    """Values of secrets that stand in .env.example."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if not line.startswith("#")]
    return frozenset(value for name, _, value in pairs if value and name.endswith(("_SECRET", "_KEY", "_PASSWORD")))


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:  # the check settings says so
        return ""


def _missing(target: Target) -> list[Trouble]:
    troubles = []
    lacking = [name for name in target.workers if not target.variables[name].get("VOICEMESH_SEAL_KEY")]
    if lacking:
        troubles.append(
            Trouble(
                "VOICEMESH_SEAL_KEY is not set: while Redis is away no call can be handed over",
                f"{', '.join(lacking)}, in {target.home}",
                f"openssl rand -base64 32 makes one: set VOICEMESH_SEAL_KEY to it, the same for all services, in {target.home}",
                is_fatal=False,
            )
        )
    offices = [name for name in BACK_OFFICES.values() if name in target.variables]
    if lacking := [name for name in offices if not target.variables[name].get("VOICEMESH_CAPABILITY_KEY")]:
        troubles.append(
            Trouble(
                "VOICEMESH_CAPABILITY_KEY is not set: after each handoff callers are asked again who they are",
                f"{', '.join(lacking)}, in {target.home}",
                f"openssl rand -base64 32 makes one: set VOICEMESH_CAPABILITY_KEY to it, the same for all of them, in {target.home}",
                is_fatal=False,
            )
        )
    return troubles


def _shared(target: Target, held: Mapping[tuple[str, str], list[str]]) -> list[Trouble]:
    """One secret for two doors: who may open one opens the other."""
    names: dict[str, set[str]] = defaultdict(set)
    for name, value in held:
        names[value].add(name)
    return [
        Trouble(
            f"{' and '.join(sorted(same))} are the same",
            target.home,
            f"openssl rand -base64 32 makes another one: give each a secret of its own in {target.home}",
            is_fatal=False,
        )
        for same in names.values()
        if len(same) > 1 and not (target.is_local and same <= _SAME_BY_DESIGN)
    ]


def _problems(reader: object, name: str, env: Mapping[str, str]) -> list[str]:
    try:
        reader(name, env) if reader is _office else reader(env)  # type: ignore[operator]
    except (SettingsError, GatewaySettingsError, OfficeSettingsError) as error:
        return list(error.problems)
    return []


def _office(name: str, env: Mapping[str, str]) -> None:
    """By its own limits, where it has some."""
    if importlib.util.find_spec(f"{name}.settings") is not None:
        module = importlib.import_module(f"{name}.settings")
        own = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, OfficeSettings)]
        for read in filter(None, (getattr(each, "from_env", None) for each in own)):
            read(env)
            return
    reading = Reading(name.removesuffix("_mcp"), env)
    reading.shared()
    reading.done()


def _advice(problem: str) -> str:
    """The part of the process's own line that says what to do."""
    name = problem.partition(" ")[0]
    for mark in (": give ", "; give "):
        if mark in problem:
            return f"set {name}: {problem.partition(mark)[2]}"
    return f"set {name}" if name.isupper() else "set what the line names"
