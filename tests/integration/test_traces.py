"""One trace per call across real processes, as a real OpenTelemetry collector has it: who stands under whom, and nothing that anybody said.

The gateway, a back office, the ledger and a taker's gRPC server run as processes of their own; this one is triage's job.
"""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from handoff.call import Ending
from handoff.context import HandoffContext
from handoff.giver import Giver
from handoff.outcome import Accepted, Declined
from handoff.redis_store import RedisStore
from handoff.testing import make_call, make_context, make_fact, make_turn
from livekit.agents import ToolError
from telemetry import tracing
from telemetry.log_lines import JsonLines
from telemetry.names import agent_span_id, root_span_id, trace_hex_of
from worker.agent import tools
from worker.testing.text_call import make_settings

from local.settings import LocalSettings
from local.supervisor.mesh import Mesh
from tests.integration.collector import PATIENT_SECONDS, Collector, attributes, collecting, program
from tools.house import ROOT

NAME, ACCOUNT, ZIP, PHONE, CARD = "Quixotina", "AC4721", "97209", "5035550142", "4111111111111111"
WORDS = f"zqcanary my name is {NAME}"
CANARIES = ("zqcanary", NAME, ACCOUNT, ZIP, PHONE, CARD, "Sarah", "March")
"""What the caller says and is, and of the answers what the records know of him."""
AGENT = "triage-zq"
NUMBERS = re.compile(rb'"(?:traceId|spanId|parentSpanId|startTimeUnixNano|endTimeUnixNano)":"[0-9a-f]*"')
"""Of a span: digits by the dozen, among which five of a ZIP code may stand by chance."""


@dataclass
class Running:
    """The processes, and where they write."""

    mesh: Mesh
    collector: Collector
    giver: Giver
    folder: Path


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    async with collecting(folder) as collector:
        own = LocalSettings.from_env()
        inherited = {**own.inherited, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        # Billing's worker is left out, for it needs LiveKit; its back office is not.
        mesh = Mesh(
            folder / "run",
            services=("billing",),
            spares=("billing",),
            without=("livekit", "speech"),
            for_browsers=True,
            settings=replace(own, inherited=inherited),
        )
        async with mesh:
            with taker(collector.endpoint) as address:
                giver = Giver({"billing": address}, offer_timeout_seconds=PATIENT_SECONDS)
                tracing.start("triage", endpoint=collector.endpoint)
                try:
                    yield Running(mesh, collector, giver, folder)
                finally:
                    tracing.stop()
                    await giver.aclose()


@contextmanager
def taker(endpoint: str) -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("taker_process.py")), "another", endpoint]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


async def let_in(mesh: Mesh) -> str:
    site = mesh.page_url.rstrip("/")
    async with aiohttp.ClientSession(headers={"origin": site}) as browser:
        asked = {"service": "triage", "name": NAME, "phone": PHONE}
        async with browser.post(f"{site}/api/calls", json=asked) as answer:
            return str((await answer.json())["call_id"])


async def hand_over(giver: Giver, call_id: str) -> None:
    """Offered twice: as it should be, and once to a service that this is not."""
    context = context_of(call_id)
    with tracing.span("handoff", {"voicemesh.to": "billing"}), tracing.span("handoff.offer"):
        assert isinstance(await giver.offer(context, "billing"), Accepted)
        wrong = await giver.offer(replace(context, handoff_id="h2"), "sales", among="billing")
        assert isinstance(wrong, Declined)


def context_of(call_id: str) -> HandoffContext:
    facts = (make_fact("account_id", ACCOUNT), make_fact("display_name", NAME), make_fact("phone", PHONE))
    said = (make_turn(WORDS), make_turn(f"the card is {CARD} and the ZIP code {ZIP}"))
    call = make_call(call_id, services=("triage",), facts=facts, turns=said)
    return make_context("h1", call=call, now=time.time())


async def use_tools(mesh: Mesh, call_id: str) -> None:
    """By the agents' own client: found, verified, refused."""
    settings = make_settings(mcp_url=mesh.mcp_url("billing"), tool_timeout_seconds=PATIENT_SECONDS)
    (toolset,), client, away = await tools.connect(settings, call_id=call_id)
    assert client is not None and not away
    by_name = {tool.info.name: tool for tool in toolset.tools}
    for name, arguments in (
        ("verify_identity", {"account_id": ACCOUNT, "postal_code": ZIP}),
        ("find_account", {"account_id": WORDS}),
    ):
        with suppress(ToolError):  # it has a span of its own
            await by_name[name](raw_arguments=arguments)
    await toolset.aclose()


def try_to_tell() -> None:
    """What an agent must not do, it cannot."""
    with suppress(ValueError), tracing.span("turn", {"voicemesh.outcome": WORDS, "voicemesh.said": WORDS, WORDS: 1}):
        raise ValueError(WORDS)
    with pytest.raises(ValueError, match="no span"):
        tracing.begin(WORDS)


async def play(there: Running) -> str:
    call_id = await let_in(there.mesh)
    store = RedisStore.connect(there.mesh.redis_url)
    try:
        await store.open_call(make_call(call_id, started_at=time.time(), turns=(make_turn(WORDS),)))
        floor = await store.take_floor(call_id, service="triage", agent_id=AGENT, lease_seconds=60.0)
        agent = tracing.begin("agent", call_id=call_id, span_id=agent_span_id(call_id, AGENT))
        tracing.live_in(agent)
        await hand_over(there.giver, call_id)
        await use_tools(there.mesh, call_id)
        try_to_tell()
        tracing.end(agent)
        await store.end_call(call_id, epoch=floor.epoch, ending=Ending.RESOLVED, detail=WORDS)
    finally:
        await store.aclose()
    await there.collector.has("call", "gateway.token", "handoff.answer", "mcp.tool", "agent")
    return call_id


async def test_a_call_is_one_trace_across_its_processes_and_nothing_of_what_was_said_is_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as there:
        call_id = await play(there)
    spans = there.collector.spans()
    (root,) = (span for span in spans if span["name"] == "call")
    assert (root["spanId"], root.get("parentSpanId", "")) == (f"{root_span_id(call_id):016x}", "")
    assert {span["traceId"] for span in spans} == {trace_hex_of(call_id)}
    assert stands(spans) == {
        ("ledger", "call", "", ""),
        ("gateway", "gateway.token", "ledger", "call"),
        ("triage", "agent", "ledger", "call"),
        ("triage", "handoff", "triage", "agent"),
        ("triage", "handoff.offer", "triage", "handoff"),
        ("billing", "handoff.answer", "triage", "handoff.offer"),
        ("triage", "tool", "triage", "agent"),
        ("billing-mcp", "mcp.tool", "triage", "tool"),
        ("triage", "turn", "triage", "agent"),
    }
    answers = sorted(attributes(span)["voicemesh.outcome"] for span in spans if span["name"] == "handoff.answer")
    assert answers == ["accepted", "wrong_service"]
    worked_on = {attributes(span)["voicemesh.tool"]: attributes(span)["voicemesh.refused"] for span in of_tools(spans)}
    assert worked_on == {"verify_identity": False, "find_account": True}
    assert found_in(there.collector.file) == []
    logs = [path for path in (tmp_path / "run" / "logs").iterdir() if path.stem in ("gateway", "ledger", "billing_mcp")]
    assert len(logs) == 3
    assert [(path.name, found) for path in logs if (found := found_in(path))] == []
    assert [line for line in map(JsonLines().format, caplog.records) if any(one in line for one in CANARIES)] == []


def stands(spans: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    """Whose span of what name stands under whose of what name."""
    by_id = {span["spanId"]: span for span in spans}
    found = set()
    for span in spans:
        above = by_id.get(span.get("parentSpanId", ""), {"service": "", "name": ""})
        found.add((span["service"], span["name"], above["service"], above["name"]))
    return found


def of_tools(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [span for span in spans if span["name"] == "mcp.tool"]


def found_in(file: Path) -> list[str]:
    """Canaries in its bytes, whatever they are part of."""
    content = NUMBERS.sub(b"", file.read_bytes())
    assert content
    return [one for one in CANARIES if one.encode() in content]


async def test_a_collector_that_is_away_is_no_stream_of_complaints(caplog: pytest.LogCaptureFixture) -> None:
    tracing.start("triage", endpoint="http://127.0.0.1:9")  # where nobody listens
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            with tracing.span("turn", call_id="call-1"):
                pass
            await asyncio.sleep(0.6)
        await asyncio.to_thread(tracing.stop)
    told = [record.name for record in caplog.records if record.name.startswith(("voicemesh", "opentelemetry"))]
    assert told in ([], ["voicemesh.tracing"])


@pytest.mark.parametrize("config", ["deploy/compose/otel-collector.yaml", "tools/otelcol/to-file.yaml"])
def test_the_collector_takes_the_configurations_that_stand_here(config: str) -> None:
    done = subprocess.run([program(), "validate", "--config", str(ROOT / config)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
