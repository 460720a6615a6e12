"""An agent whose caller waits in line: what it says meanwhile, what it hears, and what its brain is told in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from handoff.call import Ending, Role
from handoff.wire import PoolStatus
from worker.handover.callback_ticket import tool
from worker.handover.ladder import Ladder
from worker.handover.transfer import Moved, Stayed
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import TextCall, make_settings, paper_service, text_call
from worker.testing.told import Calls, ToldModel, ToldTransfer

TO_BILLING = Calls("transfer_call", {"service": "billing"})
COMPLAINT = "I was charged twice for my March invoice."
ON_HOLD = (
    "Our billing specialist is busy with other callers right now. You're next in line."
    " Please hold the line, or tell me if you'd rather not wait."
)
ANNOUNCEMENT = "I'm connecting you with our billing specialist. One moment please."


class Billing:
    """A billing service that is full until somebody hangs up there."""

    def __init__(self) -> None:
        self.is_full = True

    async def pool(self, service: str) -> PoolStatus:
        return PoolStatus(service, 1, int(self.is_full), False, "1")

    async def has_another(self, service: str) -> bool:
        return False


@asynccontextmanager
async def desk(home: Path, brain: ToldModel, billing: Billing) -> AsyncIterator[TextCall]:
    """A front desk with a ladder."""
    told = ToldTransfer(Moved("h1"))
    async with text_call(paper_service(home), brain, transfer=told) as call:
        giver: Any = billing
        transfer: Any = told
        ladder = Ladder(
            transfer,
            giver=giver,
            store=call.store,
            checkpoint=call.agent.brief.checkpoint,
            settings=make_settings(),
            reaches=("billing",),
        )
        call.agent.brief = replace(call.agent.brief, ladder=ladder)
        yield call


def later(seconds: float, what: Any, *args: Any) -> None:
    asyncio.get_running_loop().call_later(seconds, what, *args)


@without_waiting
async def test_a_caller_in_line_hears_his_place_and_then_the_announcement(tmp_path: Path) -> None:
    billing = Billing()
    async with desk(tmp_path, ToldModel(TO_BILLING), billing) as call:
        later(5, setattr, billing, "is_full", False)
        assert await call.caller(COMPLAINT) == [ON_HOLD, ANNOUNCEMENT]
        assert call.left == ["handed over"]


@without_waiting
async def test_who_is_past_patience_keeps_his_place_before_the_others_when_he_has_been_told_it(tmp_path: Path) -> None:
    async with desk(tmp_path, ToldModel(TO_BILLING, "They are still busy."), Billing()) as call:
        await call.store.wait_in_line("billing", "another call")
        lines: list[tuple[str, ...]] = []

        async def look() -> None:
            lines.append(await call.store.line("billing"))

        later(10, lambda: asyncio.ensure_future(look()))
        await call.caller("This is ridiculous, I was charged twice again!")
        assert lines == [(call.call.call_id, "another call")]


@without_waiting
async def test_after_a_wait_in_vain_the_brain_knows_it_and_nothing_of_the_wait_stands_in_its_conversation(
    tmp_path: Path,
) -> None:
    brain = ToldModel(TO_BILLING, "I'm sorry, they are still busy.")
    async with desk(tmp_path, brain, Billing()) as call:
        said = await call.caller(COMPLAINT)
        assert said[0] == ON_HOLD
        assert said[-1] == "I'm sorry, they are still busy."
        assert call.left == []
    assert "nobody became free" in brain.last_shown.output  # type: ignore[union-attr]
    heard = [item.text_content for item in brain.asked[1].items if item.type == "message" and item.role == "assistant"]
    assert heard == []


@without_waiting
async def test_what_he_says_in_line_is_in_the_record_and_the_brain_is_told(tmp_path: Path) -> None:
    brain = ToldModel(TO_BILLING, "I have noted your account.")
    async with desk(tmp_path, brain, Billing()) as call:
        later(5, call.transcribed, "My account is AC4721.")
        said = await call.caller(COMPLAINT)
        assert "Thank you, I've noted that. You're next in line." in said
        assert call.agent.known()["account_id"] == "AC4721"
        assert "My account is AC4721." in [turn.text for turn in call.call.turns if turn.role is Role.CALLER]
    assert "My account is AC4721." in brain.last_shown.output  # type: ignore[union-attr]


@without_waiting
async def test_a_turn_that_ends_in_line_is_not_answered_by_the_brain(tmp_path: Path) -> None:
    brain = ToldModel(TO_BILLING, "They are still busy.")
    async with desk(tmp_path, brain, Billing()) as call:
        later(5, lambda: asyncio.ensure_future(call.caller("Hello?")))
        await call.caller(COMPLAINT)
    assert len(brain.asked) == 2


@without_waiting
async def test_when_he_asks_for_a_callback_in_line_the_brain_leaves_a_ticket_and_the_call_ends_with_it(
    tmp_path: Path,
) -> None:
    brain = ToldModel(
        TO_BILLING,
        Calls("leave_callback_ticket", {"service": "billing"}),
        "Your ticket is C T 1.",
        Calls("end_call", {}, words="Goodbye."),
    )
    async with desk(tmp_path, brain, Billing()) as call:
        await call.agent.update_tools([*call.agent.tools, tool(call.store, call.agent.brief.checkpoint)])
        later(5, call.transcribed, "Please call me back.")
        await call.caller(COMPLAINT)
        assert "asked to be called back" in brain.asked[1].items[-1].output  # type: ignore[union-attr]
        (ticket,), _ = await call.store.callbacks()
        assert (ticket.call_id, ticket.service, ticket.reason) == (call.call.call_id, "billing", "at_capacity")
        await call.caller("No, that's all.")
        assert call.call.ending is Ending.CALLBACK_BOOKED


@without_waiting
async def test_a_service_that_fails_at_once_is_not_waited_for(tmp_path: Path) -> None:
    billing = Billing()
    billing.is_full = False
    brain = ToldModel(TO_BILLING, "I'm sorry, they can't take your call.")
    async with desk(tmp_path, brain, billing) as call:
        call.transfer.ending = Stayed("lost")
        assert await call.caller(COMPLAINT) == [ANNOUNCEMENT, "I'm sorry, they can't take your call."]
