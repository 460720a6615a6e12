"""A namespace of a real cluster, by kubectl and helm, as a person would use them; and recorded callers who call from pods of their own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.place import RESULT

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "voice-mesh"
_LOOK_SECONDS = 1.0


class NotThere(AssertionError):
    """What was waited for did not come; the text says what was there instead."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one caller's call; see local.place.result."""

    caller: str
    result: Mapping[str, Any]
    said: str
    """What the caller's pod printed."""


class Cluster:
    """One namespace. ``tag`` is that of the mesh's images, which are in the cluster."""

    def __init__(self, namespace: str, *, tag: str, helm: str) -> None:
        self.namespace, self.tag, self._helm = namespace, tag, helm

    # --- kubectl and helm -----------------------------------------------------------------------------------------------
    def kubectl(self, *arguments: str, given: str = "", seconds: float = 120) -> str:
        """What it printed. Raises NotThere when it fails, with what it complained of."""
        return _run(["kubectl", "--namespace", self.namespace, *arguments], given=given, seconds=seconds)

    def can_kubectl(self, *arguments: str) -> bool:
        """Whether it exits with 0."""
        asked = ["kubectl", "--namespace", self.namespace, *arguments]
        return subprocess.run(asked, capture_output=True, timeout=60).returncode == 0

    def helm(self, *arguments: str, seconds: float = 900) -> str:
        """What it printed."""
        return _run([self._helm, "--namespace", self.namespace, *arguments], seconds=seconds)

    def get(self, kind: str, *, selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind."""
        chosen = ["--selector", selector] if selector else []
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, *chosen, "--output", "json"))["items"]
        return found

    def pods(self, service: str, *, track: str = "") -> list[dict[str, Any]]:
        """A service's pods that are not going."""
        wanted = f"app.kubernetes.io/name={service}" + (f",track={track}" if track else "")
        return [pod for pod in self.get("pods", selector=wanted) if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, service: str) -> list[str]:
        """Names of those that are ready."""
        return [pod["metadata"]["name"] for pod in self.pods(service) if is_ready(pod)]

    def until(self, what: str, seen: Callable[[], Any], *, seconds: float) -> Any:
        """What ``seen`` returns once it is true. Raises NotThere with all pods and their events."""
        deadline = time.monotonic() + seconds
        while not (found := seen()):
            if time.monotonic() > deadline:
                pods = self.kubectl("get", "pods", "--output", "wide")
                events = self.kubectl("get", "events", "--sort-by=.lastTimestamp").splitlines()[-15:]
                raise NotThere("\n".join([f"{what}: not after {seconds:.0f} s", pods, *events]))
            time.sleep(_LOOK_SECONDS)
        return found

    # --- the mesh ---------------------------------------------------------------------------------------------------------
    def health(self, pod: str) -> dict[str, Any]:
        """What a worker says of itself, full or not; empty when it says nothing."""
        ask = (
            "import json,urllib.request as r,urllib.error as e\n"
            "try: print(r.urlopen('http://127.0.0.1:8080/health/ready', timeout=3).read().decode())\n"
            "except e.HTTPError as x: print(x.read().decode())"
        )
        try:
            found: dict[str, Any] = json.loads(
                self.kubectl("exec", pod, "--container", "worker", "--", "python", "-IS", "-c", ask)
            )
        except (subprocess.SubprocessError, ValueError):
            return {}
        return found

    def holder(self, service: str) -> str:
        """A pod of the service that has a call; empty when none has."""
        return next((pod for pod in self.ready(service) if self.health(pod).get("active_sessions")), "")

    def endings(self) -> dict[str, str]:
        """Call id -> ending, of every call in the ledger."""
        told = self.kubectl("exec", "deploy/ledger", "--", "python", "-m", "ledger", "show", "--json")
        return {call["call_id"]: call["ending"] for call in json.loads(told)["lines"]}

    # --- callers ------------------------------------------------------------------------------------------------------------
    def call(self, *names: str, script: str = "technical_crash") -> None:
        """Each caller, by name, begins to call from a pod of his own."""
        for name in names:
            self.kubectl("apply", "--filename", "-", given=json.dumps(self._caller(name, script)))

    def hung_up(self, *names: str, seconds: float = 400) -> list[Placed]:
        """What became of their calls, when all are over. Raises NotThere."""
        return [self._placed(name, seconds) for name in names]

    def _placed(self, name: str, seconds: float) -> Placed:
        def phase() -> bool:
            state = json.loads(self.kubectl("get", "pod", name, "--output", "json"))["status"]["phase"]
            return state in ("Succeeded", "Failed")

        self.until(f"caller {name} hangs up", phase, seconds=seconds)
        said = self.kubectl("logs", name)
        told = next((line for line in reversed(said.splitlines()) if line.startswith(RESULT)), "")
        if not told:
            raise NotThere(f"caller {name} could not say what became of his call:\n{said}")
        self.kubectl("delete", "pod", name, "--wait=false")
        return Placed(name, json.loads(told.removeprefix(RESULT)), said)

    def _caller(self, name: str, script: str) -> dict[str, Any]:
        """The chart's own test pod, under another name and with another script."""
        hooks = yaml.safe_load_all(self.helm("get", "hooks", RELEASE))
        pod: dict[str, Any] = next(hook for hook in hooks if hook and hook["kind"] == "Pod")
        pod["metadata"] = {"name": name, "labels": pod["metadata"]["labels"]}
        pod["spec"]["containers"][0]["args"] = [script]
        return pod


def is_ready(pod: Mapping[str, Any]) -> bool:
    """As Kubernetes sees it."""
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _run(command: Sequence[str], *, given: str = "", seconds: float) -> str:
    done = subprocess.run(command, input=given or None, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        raise NotThere(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
