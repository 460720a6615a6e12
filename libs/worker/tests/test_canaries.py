"""What one caller says is told to nobody else, and what is private to nobody at all; over a store in memory."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path

import pytest
from handoff.call import Call
from handoff.context import build_context
from handoff.directory import DIRECTORY
from handoff.testing import START, make_intent, memory_store
from prometheus_client import REGISTRY, generate_latest
from worker.agent import hearing
from worker.agent.call_agent import CallAgent
from worker.handover.transfer import Stayed
from worker.main_process.observe import Metrics
from worker.main_process.run import _JsonLines
from worker.service import Service
from worker.telephone.pressing import NO_CARDS
from worker.testing.canary import CANARY, Canary, Crowd
from worker.testing.jumping_time import without_waiting
from worker.testing.pressing import ASK_ACCOUNT, phone_call
from worker.testing.text_call import PaperService, TextCall, paper_service
from worker.testing.told import Calls, ToldModel, ToldTransfer

CALLERS = [Canary(number) for number in range(12)]


@pytest.fixture
def services(tmp_path: Path) -> dict[str, Service]:
    """All five, of paper; their greetings say whatever they are told."""
    paper: dict[str, Service] = {}
    for name in DIRECTORY:
        home = tmp_path / name
        home.mkdir()
        told = (
            "Hello {display_name}. It is {invoice_number}. It is {product}. It is {company_size}. It is {postal_code}."
        )
        paper_service(home, greeting_handoff=told, greeting_return=f"{told} It is {{identity_capability}}.")
        paper[name] = PaperService(name, CallAgent, home=home)
    return paper


async def test_no_word_of_a_caller_is_told_to_another_calls_agent_or_to_a_log(
    services: dict[str, Service], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a sentence means is not asked here, and the classifier would take most of the time.
    monkeypatch.setattr(hearing.understanding, "find_intents", lambda text: (make_intent(),))
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(_JsonLines())
    logging.getLogger().addHandler(handler)
    metrics = Metrics("billing", active=lambda: 3, capacity=lambda: 10)
    crowd = Crowd(memory_store(), services)
    try:
        with caplog.at_level(logging.DEBUG):
            await crowd.call_all(CALLERS)
            metrics.job_answered("accepted")
    finally:
        logging.getLogger().removeHandler(handler)
    assert len({seen.caller for seen in crowd.seen}) == len(CALLERS)
    assert sum(bool(CANARY.search(seen.text)) for seen in crowd.seen) > 10 * len(CALLERS), "nobody was told anything"
    assert crowd.wrong_sightings() == []
    written = lines.getvalue() + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "offer accepted" in written
    exported = generate_latest(metrics.registry).decode() + generate_latest(REGISTRY).decode()
    for where in (written, exported):
        assert not CANARY.search(where)
        assert not any(secret in where for caller in CALLERS[::50] for secret in (caller.card, caller.phone))


def test_the_test_sees_what_should_not_be_seen(services: dict[str, Service]) -> None:
    mine, theirs = CALLERS[:2]
    crowd = Crowd(memory_store(), services)
    for text in (theirs.word("turn"), mine.card, f"zip {mine.postal_code}", mine.word("cap"), mine.word("companysize")):
        crowd._saw(mine, "billing", "prompt", f"It is {text}.")
    crowd._saw(mine, "billing", "prompt", f"It is {mine.word('invoicenumber')}.")
    assert [what for _, _, what in crowd.wrong_sightings()] == [
        "prompt: another caller's words",
        "prompt: something private",
        "prompt: something private",
        "prompt: something private",
        "prompt: company_size, which it does not receive",
    ]


# --- what is typed ----------------------------------------------------------------------------------------------------
def in_it(digits: str, text: str) -> bool:
    """Whether seven digits in a row of these stand there, together or spelled. A time may have some by chance, and is left out."""
    parts = (digits[at : at + 7] for at in range(len(digits) - 6))
    return any(re.search(r"[ ,.-]{0,2}".join(part), re.sub(r"\d{10}\.\d+", "", text)) for part in parts)


def everything_that_is_kept(call: TextCall, stored: Call | None) -> list[str]:
    """The record here and in the store, what crosses from it, and all that the brain is shown."""
    record, taker = call.call, DIRECTORY["escalation"]
    crosses = build_context(record, entry=taker, handoff_id="h1", epoch=1, now=START, intent=make_intent())
    return [
        repr(record),
        repr(stored),
        repr(crosses),
        json.dumps(call.agent.chat_ctx.to_dict()),
        call.agent.instructions,
    ]


@pytest.mark.parametrize("length", [11, 13, 15, 16, 19])
@pytest.mark.parametrize("ended_by", ["#", ""])
@without_waiting
async def test_a_card_number_that_is_typed_is_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, length: int, ended_by: str
) -> None:
    card = "4929381057264183059"[:length]
    asked_to_move = Calls("transfer_call", {"service": "billing"})
    brain = ToldModel("Thank you.", asked_to_move, "Nobody is there.")
    moving = ToldTransfer(Stayed("at_capacity"))
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(_JsonLines())
    logging.getLogger().addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG):
            async with phone_call(tmp_path, brain, ASK_ACCOUNT, transfer=moving) as call:
                for keys in (card, "4721#", card):  # asked for another number, then for none
                    await call.types(keys + ended_by)
                moving.meanwhile = lambda: call.room.press(card + ended_by)
                await call.text.caller("Billing, please.")
                await call.settled()
                assert await call.agent.brief.checkpoint.flushed(5)
                stored = await call.text.store.load_call("call-1")
                kept = [*everything_that_is_kept(call.text, stored), repr(vars(call.pressing._keypad))]
                kept.append(repr(vars(call.pressing)))
                assert call.agent.known() == {"account_id": "AC4721"}, "what was asked for is known"
                said = [text for text in call.text.said if text.startswith(NO_CARDS)]
                assert len(said) == 3, "also to the one that was typed over the announcement"
    finally:
        logging.getLogger().removeHandler(handler)
    kept += [lines.getvalue(), caplog.text, *(str(vars(record)) for record in caplog.records)]
    assert "a keypad entry was dropped" in lines.getvalue()
    assert [text for text in kept if in_it(card, text)] == []


def test_the_test_sees_a_card_number_in_pieces() -> None:
    assert in_it("4929381057264183", "it is 4 9 2 9, 3 8 1 0.")
    assert in_it("4929381057264183", "4929381057264183")
    assert not in_it("4929381057264183", "4929 and 1057")
