"""A call in a canary's share is taken by the canary, and goes on with the service's other worker when the canary is taken away; all of
them prove to each other who they are."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from handoff.call import Call, Role
from handoff.canary import place_of
from handoff.redis_store import RedisStore

from local.caller import Access, new_access
from local.supervisor.mesh import Mesh
from tests.e2e import calls
from tests.e2e.calls import CHARGED_TWICE, Live, caller, hangs_up, ring, says
from tests.e2e.processes import has_no_call, health, until
from tests.integration.certificates import Authority, mount

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

CANARY, WEIGHT = "billing.2", 50


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(run_dirs: Path) -> AsyncIterator[Mesh]:
    """Billing has two workers; the second one is a canary, with its service's certificate."""
    authority = Authority()
    tls = {
        service: {"VOICEMESH_TLS_DIR": str(mount(run_dirs / f"{service}-tls", authority.issue(service)))}
        for service in ("triage", "billing")
    }
    canary = {"VOICEMESH_CANARY_WEIGHT": str(WEIGHT), "VOICEMESH_VERSION": "2.0-canary"} | tls["billing"]
    async with Mesh(
        run_dirs / "canary",
        services=("triage", "billing"),
        replicas={"billing": 2},
        env_of={**tls, CANARY: canary},
        # Patient: on a busy machine a canary that is late would be a canary that fails, and the call another worker's.
        env_overrides={
            "VOICEMESH_DRAIN_SECONDS": "60",
            "VOICEMESH_LEASE_SECONDS": "4",
            "VOICEMESH_READY_TIMEOUT_SECONDS": "30",
            "VOICEMESH_SPOKEN_TIMEOUT_SECONDS": "20",
        },
    ) as running:
        yield running


@pytest.fixture
def every_caller_is_in_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    def access(*given: Any, **named: Any) -> Access:
        while True:
            made = new_access(*given, **named)
            if place_of("billing", made.call_id) < WEIGHT:
                return made

    monkeypatch.setattr(calls, "new_access", access)


def has_been_greeted(call: Call) -> bool:
    return any(turn.role is Role.AGENT and turn.service == "billing" for turn in call.turns)


async def active(mesh: Mesh, worker: str) -> int:
    return int((await health(mesh, worker))["active_sessions"])


@pytest.mark.usefixtures("every_caller_is_in_the_share")
async def test_a_canary_takes_its_share_and_its_calls_move_to_the_others_when_it_goes(mesh: Mesh) -> None:
    held: dict[str, tuple[int, int]] = {}

    async def take_the_canary_away(live: Live) -> None:
        await live.call(has_been_greeted)
        held["spoken"] = (await active(mesh, "billing"), await active(mesh, CANARY))
        os.kill(mesh.process(CANARY).pid, signal.SIGTERM)

        async def has_moved() -> bool:
            return await active(mesh, "billing") == 1

        await until(has_moved, what="the call at billing's other worker", seconds=60)
        held["moved"] = (await active(mesh, "billing"), 0)

    evidence = await ring(
        mesh,
        caller(
            CHARGED_TWICE,
            says("My account ID is A, C, four, seven, two, one.", after="account (ID|number)"),
            hangs_up(after="ZIP code"),
        ),
        meddle=take_the_canary_away,
    )
    assert held["spoken"] == (0, 1), "the canary has it"
    assert held["moved"] == (1, 0)
    assert evidence.call.services == ("triage", "billing")
    store = RedisStore.connect(mesh.redis_url)
    try:
        seen = await store.canary("billing")
    finally:
        await store.aclose()
    assert seen is not None
    assert (seen.version, seen.spoken, seen.failed, seen.is_there) == ("2.0-canary", 1, 0, False)
    await has_no_call(mesh, "billing")
