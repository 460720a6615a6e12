"""Who reads which kind of file of the skill, and what he says of it; an empty text when he takes it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from gateway.phone.config import ConfigError
from gateway.phone.reader import load
from local.supervisor import livekit
from tests.charts import rendering
from tests.skill.fences import ROOT, Fence

Reader = Callable[[str, Path], str]
"""Given a file's text and an empty folder."""
_EVAL_SECONDS = 200
_OF_OTHERS = frozenset({"PodMonitor", "PrometheusRule", "Certificate", "ScaledObject"})
_API = ("--api-versions", "monitoring.coreos.com/v1")


def reader_of(fence: Fence) -> Reader:
    """By its first line, or by what is in it. Raises ValueError for a file that nobody here reads."""
    first = fence.text.partition("\n")[0]
    if first == "# values of charts/":
        return lambda text, folder: chart_values("charts", text, folder)
    if first == "# values of charts/specialist":
        return lambda text, folder: chart_values("charts/specialist", text, folder)
    if first == "# livekit.yaml":
        return livekit_settings
    if first == "# phone.yaml":
        return phone_numbers
    if first == "# issuer of docs/operations/install.md":
        return manifests_of_install
    documents = [one for one in yaml.safe_load_all(fence.text) if one]
    if all(isinstance(one, dict) and {"lines", "expect"} <= one.keys() for one in documents):
        return conversations
    if all(isinstance(one, dict) and one.keys() == {"groups"} for one in documents):
        return prometheus_rules
    raise ValueError(f"{fence.name}: nobody knows who reads this file; see tests/skill/files.py")


def chart_values(chart: str, text: str, folder: Path) -> str:
    """Helm renders the chart with them (its schema and refusals included), and Kubernetes takes what comes of it."""
    values = folder / "values.yaml"
    values.write_text(text, encoding="utf-8")
    rendered = rendering.render(chart, "-f", str(values), *_API)
    if not rendered.ok:
        return rendered.said
    return "\n".join(said for one in rendered.objects if one["kind"] not in _OF_OTHERS and (said := _refused(one)))


def _refused(found: dict[str, Any]) -> str:
    try:
        kubernetes_validate.validate(found, "1.36", strict=True)
    except kubernetes_validate.ValidationError as e:
        return f"{found['kind']} {found['metadata']['name']}: {e.message[:200]}"
    return ""


def livekit_settings(text: str, folder: Path) -> str:
    """They are those of the local mesh's server, which runs with them."""
    given = yaml.safe_load(text)
    hook = given.get("webhook", {})
    if not all(url.endswith("/webhooks/livekit") for url in hook.get("urls", ())):
        return "webhook: the gateway listens at /webhooks/livekit"
    ours: Mapping[str, Any] = livekit.config(
        port=7880,
        udp_port=7882,
        keys=dataclasses.replace(livekit.Keys.new(), api_key=hook.get("api_key", "")),
        webhook_url=next(iter(hook.get("urls", ())), ""),
    )
    return "\n".join(f"{key}: the mesh's own is {ours.get(key)}" for key in given if given[key] != ours.get(key))


def phone_numbers(text: str, folder: Path) -> str:
    """The command that makes LiveKit's trunks and rules of them reads them; a variable that they name is set."""
    page = folder / "phone.yaml"
    page.write_text(text, encoding="utf-8")
    try:
        load(page, lambda name: f"the value of {name}")
    except ConfigError as e:
        return str(e)
    return ""


def manifests_of_install(text: str, folder: Path) -> str:
    """They are, object by object, those that the installation's page applies."""
    page = (ROOT / "docs" / "operations" / "install.md").read_text(encoding="utf-8")
    there = [
        one
        for block in re.findall(r"<<'YAML'\n(.*?)\n +YAML$", page, re.DOTALL | re.MULTILINE)
        for one in _objects(block)
    ]
    return "\n".join(
        f"{one['kind']} {one['metadata']['name']}: not so in install.md" for one in _objects(text) if one not in there
    )


def _objects(text: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(textwrap.dedent(text)) if one]


def conversations(text: str, folder: Path) -> str:
    """Each is played by the real agents, tools and databases, as text."""
    page = folder / "of_the_skill.yaml"
    page.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "local", "eval", str(page), "--run-dir", str(folder / "eval")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_EVAL_SECONDS)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def prometheus_rules(text: str, folder: Path) -> str:
    """By promtool where there is one; anyhow each rule has what an alert needs, and brackets close."""
    groups = yaml.safe_load(text)["groups"]
    said = [wrong for group in groups for rule in group["rules"] if (wrong := _rule_lacks(rule))]
    if not said and (promtool := shutil.which("promtool")):
        page = folder / "rules.yaml"
        page.write_text(text, encoding="utf-8")
        done = subprocess.run([promtool, "check", "rules", str(page)], capture_output=True, text=True, timeout=60)
        if done.returncode:
            said.append(done.stdout + done.stderr)
    return "\n".join(said)


def _rule_lacks(rule: Mapping[str, Any]) -> str:
    name = rule.get("alert") or rule.get("record")
    needed = {"expr", "for", "labels", "annotations"} if "alert" in rule else {"expr"}
    if missing := needed - rule.keys():
        return f"{name}: {sorted(missing)} missing"
    bare = re.sub(r'"[^"]*"', "", rule["expr"])
    return "" if all(bare.count(a) == bare.count(b) for a, b in ("()", "[]", "{}")) else f"{name}: a bracket is open"
