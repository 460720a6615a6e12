"""Whether anybody would be told: Prometheus has our alerts, and sees every process."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import SERVICES, Kind, Target

_ANSWER_SECONDS = 4.0


async def alerts(target: Target) -> Answer:
    """An alert that is not loaded wakes nobody: a silent drop is then found by the caller who complains."""
    wanted = alert_names(target.rules)
    if not wanted:
        raise Skipped("charts/rules holds no alerts")
    told = await _told(target, "/api/v1/rules?type=alert")
    rules = [rule for group in told["groups"] for rule in group["rules"] if rule.get("type") == "alerting"]
    loaded = {rule["name"] for rule in rules}
    where, troubles = f"Prometheus at {target.prometheus_url}", []
    if missing := sorted(wanted - loaded):
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
        troubles.append(
            Trouble(f"{len(missing)} of {len(wanted)} alerts are not loaded: {shown}", where, f"load charts/rules ({_loading(target)}), then curl -X POST {target.prometheus_url}/-/reload")
        )  # fmt: skip
    broken = {rule["name"] for rule in rules if rule["name"] in wanted and rule.get("health") == "err"}
    if broken:
        troubles.append(
            Trouble(f"these cannot be computed: {', '.join(sorted(broken))}", where, "promtool check rules charts/rules/*.yaml, and load the files of this release")
        )  # fmt: skip
    firing = {
        rule["name"]: rule.get("annotations", {}).get("runbook", "docs/operations/runbooks")
        for rule in rules
        if rule["name"] in wanted and rule.get("state") == "firing"
    }
    if firing:
        pages = ", ".join(dict.fromkeys(firing.values()))
        troubles.append(Trouble(f"firing now: {', '.join(sorted(firing))}", where, f"read {pages}", is_fatal=False))
    return f"all {len(wanted)} are loaded, none fires", troubles


async def targets(target: Target) -> Answer:
    """A worker that is not scraped is invisible: its alerts cannot fire, and its autoscaler is blind."""
    told = await _told(target, "/api/v1/query?query=max%20by%20(service,instance)%20(voicemesh_worker_info)")
    seen = Counter(row["metric"].get("service", "") for row in told["result"])
    where = f"Prometheus at {target.prometheus_url}"
    missing, troubles = [service for service in SERVICES if not seen[service]], []
    if missing:
        troubles.append(
            Trouble(f"no worker is scraped of {', '.join(missing)}", where, "look at its page Status / Targets; then the PodMonitor or scrape_configs, port 9090, and the NetworkPolicy")
        )  # fmt: skip
    down = await _told(target, "/api/v1/query?query=up%20%3D%3D%200")
    names = sorted(f"{row['metric'].get('job', '?')} {row['metric'].get('instance', '?')}" for row in down["result"])
    if names:
        troubles.append(
            Trouble(f"{len(names)} targets do not answer: {', '.join(names[:4])}", where, "curl their /metrics from Prometheus's machine: a port, a NetworkPolicy, or the process is away", is_fatal=False)
        )  # fmt: skip
    return f"{sum(seen.values())} workers of {len(seen)} services are scraped, none is down", troubles


@cache
def alert_names(folder: Path) -> frozenset[str]:
    """Names of the alerts that this release brings."""
    files = sorted(folder.glob("*.yaml")) + sorted(folder.glob("*.yml"))
    groups = [group for path in files for group in (yaml.safe_load(path.read_text()) or {}).get("groups", [])]
    return frozenset(rule["alert"] for group in groups for rule in group.get("rules", []) if "alert" in rule)


async def _told(target: Target, path: str) -> Any:
    try:
        return await _ask(target, path)
    except Unreachable:
        raise Skipped("Prometheus does not answer: see prometheus.reachable") from None


async def _ask(target: Target, path: str) -> Any:
    if not target.prometheus_url:
        raise Skipped("give PROMETHEUS_URL (--prometheus) to see whether anybody would be told")
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{target.prometheus_url}{path}") as response,
        ):
            body = await response.json(content_type=None)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise Unreachable(type(error).__name__) from None
    if not isinstance(body, dict) or body.get("status") != "success":
        raise Unreachable(f"{response.status}")
    return body["data"]


class Unreachable(Exception):
    """Of Prometheus; told once, by its own check."""


async def reachable(target: Target) -> Answer:
    """Prometheus that does not answer alerts nobody, of anything."""
    try:
        told = await _ask(target, "/api/v1/status/buildinfo")
    except Unreachable as error:
        return "", [
            Trouble(f"no Prometheus answers ({error})", f"{target.prometheus_url} (PROMETHEUS_URL)", f"curl {target.prometheus_url}/-/ready; start it, or mend PROMETHEUS_URL")
        ]  # fmt: skip
    return f"version {told.get('version', '?')}"


def _loading(target: Target) -> str:
    match target.kind:
        case Kind.KUBERNETES:
            return "helm upgrade with its rules, or a PrometheusRule of them"
        case Kind.COMPOSE:
            return "docker compose --profile observability up -d"
    return f"rule_files: [{target.rules}/*.yaml] in prometheus.yml"
