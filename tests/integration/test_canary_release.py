"""A service and its canary, each with a taker over real gRPC on loopback: who gets which calls, and what becomes of them when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from handoff.canary import Canary, place_of
from handoff.giver import Giver
from handoff.outcome import Accepted
from handoff.redis_store import RedisStore
from handoff.taker import Listener, Taker, serve
from handoff.testing import make_call, make_context
from handoff.tls import Certificates
from worker.handover.transfer import Moved, Stayed, Transfer
from worker.testing.text_call import make_settings
from worker.testing.transfer import AbsentTaker, JournalStore, Stage, WillingTaker

from tests.integration.billing_service import PATIENT_SECONDS, Places
from tests.integration.certificates import Authority, mount
from tests.integration.conftest import PATIENCE

HOST = "127.0.0.1"
WEIGHT = 50


def calls(*, in_share: bool) -> list[str]:
    """Ids of calls that are in the canary's share, or are not."""
    return [f"call-{n}" for n in range(100) if (place_of("billing", f"call-{n}") < WEIGHT) is in_share]


class Billing:
    """Version 1.0 and its canary 2.0, behind one store; ``hand_over`` is a whole handoff of a call from triage."""

    def __init__(self, closing: AsyncExitStack) -> None:
        self.store = JournalStore([])
        self.stable, self.canary = Places(capacity=100), Places(capacity=100)
        self.listener: Listener
        self.giver: Giver
        self._closing = closing

    async def open(self, certificates: Callable[[str], Certificates | None] = lambda name: None) -> None:
        ports = []
        for version, places in (("1.0", self.stable), ("2.0", self.canary)):
            name = "billing-canary" if version == "2.0" else "billing"
            taker = Taker("billing", version, store=self.store, admission=places, agent_name=name)
            self.listener = await serve(taker, host=HOST, port=0, certificates=certificates("billing"))
            self._closing.push_async_callback(self.listener.stop)
            ports.append(self.listener.port)
        self.giver = Giver(
            {"billing": f"{HOST}:{ports[0]}", "billing-canary": f"{HOST}:{ports[1]}"},
            offer_timeout_seconds=PATIENT_SECONDS,
            certificates=certificates("triage"),
        )
        self._closing.push_async_callback(self.giver.aclose)
        await self.store.note_canary("billing", version="2.0", weight=WEIGHT, seconds=600)

    async def hand_over(self, call_id: str, agent: WillingTaker, *, tries: int = 1) -> list[Moved | Stayed]:
        """``agent`` is whoever LiveKit sends, of whichever version. All tries of one giver."""
        stage = Stage(agent, call=make_call(call_id, turns=(), facts=()))
        stage.store, self.store.journal = self.store, stage.journal
        await stage.opened()
        everything: Any = stage
        transfer = Transfer(
            room=everything,
            lkapi=everything,
            giver=self.giver,
            store=self.store,
            checkpoint=stage.checkpoint,
            settings=make_settings(ready_timeout_seconds=0.2),
        )
        return [await stage.move(transfer) for _ in range(tries)]

    async def seen(self) -> Canary:
        found = await self.store.canary("billing")
        assert found is not None
        return found


@pytest.fixture
async def billing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Billing]:
    monkeypatch.setattr("worker.testing.transfer.ANNOUNCEMENT_SECONDS", 0.0)
    monkeypatch.setattr("worker.testing.transfer.JOIN_SECONDS", 0.0)
    async with AsyncExitStack() as closing:
        made = Billing(closing)
        await made.open()
        yield made


async def test_who_accepts_tells_under_which_name_its_agent_is_dispatched(billing: Billing) -> None:
    told = [
        await billing.giver.offer(make_context(handoff_id), "billing", among=among)
        for handoff_id, among in (("h1", ""), ("h2", "billing-canary"))
    ]
    assert [(each.agent_name, each.version) for each in told if isinstance(each, Accepted)] == [
        ("billing", "1.0"),
        ("billing-canary", "2.0"),
    ]


async def test_each_version_has_the_calls_of_its_share(billing: Billing) -> None:
    ours, others = calls(in_share=True)[:5], calls(in_share=False)[:5]
    for call_id in ours + others:
        (outcome,) = await billing.hand_over(call_id, WillingTaker())
        assert isinstance(outcome, Moved)
    assert (len(billing.canary.kept), len(billing.stable.kept)) == (5, 5)
    seen = await billing.seen()
    assert (seen.spoken, seen.failed) == (5, 0)


@pytest.mark.parametrize("why", ["full", "draining"])
async def test_a_canary_without_room_costs_nobody_his_handoff(billing: Billing, why: str) -> None:
    billing.canary.capacity = 0 if why == "full" else 100
    billing.canary.draining = why == "draining"
    for call_id in calls(in_share=True)[:5]:
        (outcome,) = await billing.hand_over(call_id, WillingTaker())
        assert isinstance(outcome, Moved)
    assert (len(billing.canary.kept), len(billing.stable.kept)) == (0, 5)
    seen = await billing.seen()
    assert (seen.failed, seen.share) == (0, WEIGHT)


async def test_a_canary_that_does_not_answer_is_stopped_and_every_call_is_taken_all_the_same(billing: Billing) -> None:
    await billing.listener.stop()
    for call_id in calls(in_share=True)[:5]:
        (outcome,) = await billing.hand_over(call_id, WillingTaker())
        assert isinstance(outcome, Moved)
    assert len(billing.stable.kept) == 5
    seen = await billing.seen()
    assert (seen.failed, seen.share, seen.why) == (3, 0, "3 of the last 3 handoffs failed")


async def test_a_canary_whose_agents_never_come_is_stopped_after_three_calls(billing: Billing) -> None:
    class OfTheCanaryNobodyComes(AbsentTaker):
        async def join(self, handoff_id: str, agent_id: str) -> None:
            if handoff_id in billing.stable.kept:
                await WillingTaker.join(self, handoff_id, agent_id)

    for call_id in calls(in_share=True)[:3]:
        first, second = await billing.hand_over(call_id, OfTheCanaryNobodyComes(), tries=2)
        assert first == Stayed("not_ready", by_canary=True)
        assert isinstance(second, Moved)
    assert (await billing.seen()).share == 0
    (outcome,) = await billing.hand_over(calls(in_share=True)[3], OfTheCanaryNobodyComes())
    assert isinstance(outcome, Moved)


async def test_a_canary_proves_that_it_is_its_service(tmp_path: Path, billing: Billing) -> None:
    authority = Authority()
    folders = {name: mount(tmp_path / name, authority.issue(name)) for name in ("billing", "triage")}
    async with AsyncExitStack() as closing:
        secured = Billing(closing)
        await secured.open(lambda name: Certificates(folders[name]))
        (outcome,) = await secured.hand_over(calls(in_share=True)[0], WillingTaker())
        assert isinstance(outcome, Moved)
        assert len(secured.canary.kept) == 1


async def test_people_and_scripts_ask_by_a_command(redis_url: str) -> None:
    store = RedisStore.connect(redis_url, **PATIENCE)
    await store.note_canary("billing", version="2.0", weight=10, seconds=600)
    await store.aclose()
    environ = {"REDIS_URL": redis_url, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": ""}

    def ask(*arguments: str) -> tuple[int, str]:
        asked = [sys.executable, "-m", "worker.canary", *arguments]
        done = subprocess.run(asked, env=environ, capture_output=True, text=True, timeout=PATIENT_SECONDS)
        return done.returncode, done.stdout

    assert ask("show", "sales") == (1, "sales has no canary\n")
    assert ask("show", "billing")[0] == 0
    assert ask("stop", "billing", "--why", "says Sally to everybody")[0] == 0
    code, text = ask("show", "billing")
    assert code == 3
    assert "says Sally to everybody" in text
    assert ask("reset", "billing")[0] == 0
    assert ask("show", "billing")[0] == 0
