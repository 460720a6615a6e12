"""A real OpenTelemetry collector for a test: its own process, a free port, its spans in a file of the test's folder."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.supervisor.ports import HOST, Ports, is_free
from tools.house import ROOT

PATIENT_SECONDS = 60.0
"""Only bounds a test that hangs."""


def program() -> str:
    """Where it is; the test is skipped when it is not there."""
    looked = subprocess.run([ROOT / "tools/otel-collector", "--only-look"], capture_output=True, text=True)
    if looked.returncode:
        pytest.skip("there is no OpenTelemetry collector (`make otel-collector` builds it, in some minutes)")
    return looked.stdout.strip()


@dataclass
class Collector:
    """``endpoint`` is for OTEL_EXPORTER_OTLP_ENDPOINT; ``file`` is what it was sent, OTLP as lines of JSON."""

    endpoint: str
    file: Path

    def spans(self) -> list[dict[str, Any]]:
        """As they are in the file, each with its process's ``service``."""
        lines = self.file.read_text().splitlines(keepends=True) if self.file.exists() else []
        return [
            span | {"service": attributes(part["resource"])["service.name"]}
            for line in lines
            if line.endswith("\n")
            for part in json.loads(line)["resourceSpans"]
            for scope in part["scopeSpans"]
            for span in scope["spans"]
        ]

    async def has(self, *names: str) -> None:
        """Returns when a span of each name is there."""
        async with asyncio.timeout(PATIENT_SECONDS):
            while not {*names} <= {span["name"] for span in self.spans()}:
                await asyncio.sleep(0.1)


def attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Of a span or a resource: name -> value."""
    return {one["key"]: next(iter(one["value"].values()), "") for one in holder.get("attributes", [])}


@asynccontextmanager
async def collecting(folder: Path) -> AsyncIterator[Collector]:
    """Runs it until the block ends."""
    ports = Ports()
    port = ports.pick()
    file, config = folder / "spans.jsonl", folder / "collector.yaml"
    parts = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{HOST}:{port}"}}}},
        "exporters": {"file": {"path": str(file)}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    }
    config.write_text(json.dumps(parts))  # which is YAML, too
    with (folder / "collector.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program(), "--config", str(config), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        async with asyncio.timeout(PATIENT_SECONDS):
            while is_free(port):
                assert process.returncode is None, (folder / "collector.log").read_text()
                await asyncio.sleep(0.05)
        yield Collector(f"http://{HOST}:{port}", file)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        ports.release()
