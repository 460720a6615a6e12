"""One spoken call with all that can happen to it on two workers, and what the mesh tells of it: spans, metrics, log lines.

The caller is let in by the gateway, greeted by triage and handed to billing; billing's agent is killed in the middle of the call, and its
successor brings it to its end.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp
import psutil
from handoff.call import Call, Role
from livekit import api
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPEN_METRICS
from prometheus_client.parser import text_string_to_metric_families
from telemetry.names import trace_hex_of

from local.caller import Access, Script
from local.supervisor.mesh import Mesh
from tests.e2e.calls import CHARGED_TWICE, IS_DONE, Evidence, Live, caller, has_said, ring, says
from tests.e2e.collector import Collector, Told
from tests.e2e.processes import has_no_call, metrics, owner_of, sees

GIVES_ZIP = says("Nine, seven, two, zero, nine.", after="ZIP code")
GIVES_ACCOUNT_AGAIN = says("My account ID is A, C, four, seven, two, one.", after="cut off for a moment.*account ID")
DECLINES = says("No, thank you.", after="refund it")
"""The charge stays as it is, for the next test."""
FACTS = ("AC4721", "97209")
"""What the caller said, as the mesh understood it."""
_SPANS_WITHIN_SECONDS = 30.0
_GOES_ON_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ToldCall:
    """What was heard of the call, and what was told of it. ``shown``: what each process showed to Prometheus after it."""

    script: Script
    evidence: Evidence
    killed_at: float
    killed_agent: str
    sessions_when_killed: int
    sessions_after: int
    """Of billing's workers together: at the first scrape after the kill, and when its successor had an answer."""
    spans: tuple[Told, ...]
    shown: dict[str, str]
    open_metrics: str
    """Triage's, with exemplars."""
    logs: dict[str, str]

    @property
    def trace(self) -> str:
        """The call's trace id, as a backend spells it."""
        return trace_hex_of(self.evidence.call.call_id)


async def tell_of_a_killed_agents_call(mesh: Mesh, collector: Collector) -> ToldCall:
    """Places the call, and waits until its trace has its root."""
    killed_at, killed_agent, when_killed, after = 0.0, "", 0, 0
    before = len(collector.spans())

    async def kill_it(live: Live) -> None:
        nonlocal killed_at, killed_agent, when_killed, after
        answered = answers(await live.call(has_said("billing", "account ID")))
        floor = await live.store.load_floor(live.call_id)
        assert floor is not None
        killed_agent = floor.agent_id
        _, job = owner_of(mesh, "billing")
        job.kill()
        killed_at = time.time()
        psutil.wait_procs([job], timeout=0.1)
        when_killed = await billings_sessions(mesh)
        async with asyncio.timeout(_GOES_ON_SECONDS):
            await live.call(lambda call: answers(call) > answered)
        after = await billings_sessions(mesh)

    script = caller(CHARGED_TWICE, GIVES_ACCOUNT_AGAIN, GIVES_ZIP, DECLINES, IS_DONE)
    evidence = await ring(mesh, script, meddle=kill_it, access=await let_in(mesh))
    await has_no_call(mesh, *mesh.workers)

    async def told() -> tuple[Told, ...]:
        return tuple(collector.spans()[before:])

    spans = await sees(
        told,
        lambda spans: any(span.name == "call" for span in spans),
        what="the call's root span",
        seconds=_SPANS_WITHIN_SECONDS,
    )
    return ToldCall(
        script=script,
        evidence=evidence,
        killed_at=killed_at,
        killed_agent=killed_agent,
        sessions_when_killed=when_killed,
        sessions_after=after,
        spans=spans,
        shown={name: await metrics(mesh, name) for name in (*mesh.workers, "ledger", "gateway")},
        open_metrics=await metrics(mesh, "triage", accept=OPEN_METRICS),
        logs={path.name: path.read_text("utf-8", "replace") for path in sorted((mesh.run_dir / "logs").glob("*.log"))},
    )


def answers(call: Call) -> int:
    """How often the caller was understood; a successor's first words are in no record, what he answers to them is."""
    return sum(turn.role is Role.CALLER for turn in call.turns)


async def let_in(mesh: Mesh) -> Access:
    """A door to a new call, as the gateway gives it to the page."""
    origin = {"origin": mesh.page_url.rstrip("/")}
    url = f"{mesh.page_url}api/calls"
    async with aiohttp.ClientSession() as session, session.post(url, headers=origin) as answer:
        door = await answer.json()
    identity = api.TokenVerifier(mesh.livekit_api_key, mesh.livekit_api_secret).verify(door["token"]).identity
    return Access(url=door["url"], call_id=door["call_id"], identity=identity, token=door["token"])


async def billings_sessions(mesh: Mesh) -> int:
    """``active_sessions`` of all its workers, at this scrape."""
    found = 0.0
    for worker in mesh.workers:
        if worker.startswith("billing"):
            families = text_string_to_metric_families(await metrics(mesh, worker))
            found += sum(s.value for family in families for s in family.samples if s.name == "active_sessions")
    return int(found)
