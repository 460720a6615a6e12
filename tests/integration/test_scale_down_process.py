"""`python -m scale_down` as a process: its doors, its exit codes, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from tests.integration.kubernetes_api import HOST, Cluster, Worker, cluster, free_port


class Process:
    """Started with these changes to its environment; killed when a test leaves it."""

    def __init__(self, there: Cluster, **changes: str) -> None:
        self.health, self.metrics = free_port(HOST), free_port(HOST)
        self._environment = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "KUBERNETES_SERVICE_HOST": HOST,
            "KUBERNETES_SERVICE_PORT": str(there.port),
            "VOICEMESH_SCALE_DOWN_ACCOUNT_DIR": str(there.folder),
            "VOICEMESH_SCALE_DOWN_SECONDS": "0.05",
            "VOICEMESH_SCALE_DOWN_POD_PORT": str(there.pod_port or 1),
            "VOICEMESH_BIND_HOST": HOST,
            "VOICEMESH_HEALTH_PORT": str(self.health),
            "VOICEMESH_METRICS_PORT": str(self.metrics),
        }
        self._environment |= changes
        self.process: asyncio.subprocess.Process

    async def start(self, *arguments: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scale_down", *arguments),
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )

    async def ended(self) -> tuple[int | None, str]:
        """Its exit code and what it said."""
        _, said = await self.process.communicate()
        return self.process.returncode, said.decode()

    async def get(self, session: ClientSession, port: int, path: str) -> tuple[int, str]:
        try:
            async with session.get(f"http://{HOST}:{port}{path}") as answer:
                return answer.status, await answer.text()
        except ClientError:
            return 0, ""


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with cluster(tmp_path, Worker("triage-1", "127.0.0.2", calls=2)) as there:
        yield there


@pytest.fixture
async def processes() -> AsyncIterator[list[Process]]:
    started: list[Process] = []
    yield started
    for one in started:
        if one.process.returncode is None:
            one.process.kill()
        await one.process.wait()


async def test_it_is_alive_before_it_is_ready_and_stops_when_it_is_told(
    there: Cluster, processes: list[Process]
) -> None:
    there.forbidden.add("list")
    one = Process(there)
    processes.append(one)
    await one.start("run")
    async with ClientSession() as session:
        await there.until(lambda: there.lists)
        assert (await one.get(session, one.health, "/health/live"))[0] == 200
        status, body = await one.get(session, one.health, "/health/ready")
        assert (status, json.loads(body)["reason"]) == (503, "no_round_yet")
        there.forbidden.clear()
        await there.until(lambda: there.patches)
        seen = there.lists
        await there.until(lambda: there.lists > seen)  # the round that wrote has ended
        assert (await one.get(session, one.health, "/health/ready"))[0] == 200
        _, metrics = await one.get(session, one.metrics, "/metrics")
        assert "voicemesh_scale_down_pods 1.0" in metrics
        assert "voicemesh_scale_down_patches_total 1.0" in metrics
        assert 'voicemesh_scale_down_failures_total{reason="gone"} 0.0' in metrics
    assert there.costs() == {"triage-1": "2"}
    one.process.send_signal(signal.SIGTERM)
    code, said = await one.ended()
    assert code == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    assert any("may not list" in line["message"] for line in lines)
    assert "Traceback" not in said


async def test_it_stops_in_the_middle_of_a_round(there: Cluster, processes: list[Process]) -> None:
    there.workers[0].hangs = asyncio.Event()
    one = Process(there)
    processes.append(one)
    await one.start()
    await there.until(lambda: there.lists)
    one.process.send_signal(signal.SIGTERM)
    assert (await one.ended())[0] == 0


async def test_outside_of_a_cluster_it_says_what_is_missing(there: Cluster, processes: list[Process]) -> None:
    one = Process(there, KUBERNETES_SERVICE_HOST="", VOICEMESH_SCALE_DOWN_SECONDS="never")
    processes.append(one)
    await one.start("run")
    code, said = await one.ended()
    assert code == 2
    assert "KUBERNETES_SERVICE_HOST is not set" in said
    assert "VOICEMESH_SCALE_DOWN_SECONDS must be" in said
    assert "Traceback" not in said


async def test_a_port_that_is_taken_is_named(there: Cluster, processes: list[Process]) -> None:
    one = Process(there, VOICEMESH_HEALTH_PORT=str(there.port))
    processes.append(one)
    await one.start()
    code, said = await one.ended()
    assert code == 2
    assert f"VOICEMESH_HEALTH_PORT {there.port}" in said
