"""One call for the console: what happened for everybody, what was said for readers alone."""

from __future__ import annotations

import json

import pytest
from handoff.call import Ending, Mark, MarkKind
from handoff.errors import StoreUnavailable, WireMismatch
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.store import Handoff
from handoff.testing import START, FakeClock, OutageStore, make_call, make_fact, make_handoff, make_turn

from gateway.codes import HIDDEN, code_of
from gateway.overview import Overview
from gateway.tests.record_of_canaries import CALL_ID, CANARY, said, stored
from gateway.timeline import Told, timeline


async def told_of(store: MemoryStore, *, may_read: bool = False) -> Told:
    told = await timeline(store, CALL_ID, may_read=may_read)
    assert told is not None
    return told


# --- who may not read ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_over", [False, True], ids=["live", "over"])
async def test_no_word_of_a_caller_is_told_to_who_may_not_read(store: MemoryStore, is_over: bool) -> None:
    await stored(store, is_over=is_over)
    assert CANARY not in json.dumps(await told_of(store))
    assert CANARY not in json.dumps((await Overview(store).look()).seen)


async def test_what_happened_is_told_to_everybody(store: MemoryStore) -> None:
    await stored(store)
    told = await told_of(store)
    assert told["holder"] == {
        "service": "triage",
        "agent_id": "triage-AJ_1",
        "epoch": 1,
        "is_held": True,
        "is_recovered": False,
    }
    assert told["turns"] == [
        {"role": "agent", "service": "triage", "at": START + 2, "seconds": 2, "was_interrupted": False},
        {"role": "caller", "service": "triage", "at": START + 8, "seconds": 2, "was_interrupted": False},
        {"role": "agent", "service": "triage", "at": START + 12, "seconds": 1, "was_interrupted": True},
    ]
    assert told["handoffs"][1:] == [
        {
            "handoff_id": "handoff-1",
            "from": "triage",
            "to": "billing",
            "state": "withdrawn",
            "reason": HIDDEN,
            "moves": [["offered", START], ["withdrawn", START]],
        }
    ]
    assert told["attempts"][0] == {
        "service": "billing",
        "what": "handoff",
        "outcome": "at_capacity",
        "at": START + 14,
    }
    assert told["tools"] == [
        {"service": "billing", "name": "find_account", "failed": False, "at": START + 16},
        {"service": HIDDEN, "name": HIDDEN, "failed": True, "at": START + 17},
    ]
    assert told["recoveries"] == [{"service": HIDDEN, "at": START + 19}]
    assert told["pending"] == [HIDDEN, "sales"]
    assert told["effects"] == 1
    assert [(fact["name"], fact["value"], fact["verified"]) for fact in told["facts"]] == [
        ("account_id", HIDDEN, False),
        ("postal_code", HIDDEN, False),
        ("identity_capability", HIDDEN, False),
        (HIDDEN, HIDDEN, True),
    ]


async def test_a_call_that_is_over_says_how(store: MemoryStore) -> None:
    await stored(store, is_over=True)
    told = await told_of(store)
    assert (told["ending"], told["ended_at"], told["holder"]) == ("resolved", START, None)


# --- who may ------------------------------------------------------------------------------------------------------------
async def test_a_reader_sees_what_was_said_and_what_is_known(store: MemoryStore) -> None:
    await stored(store, is_over=True)
    told = await told_of(store, may_read=True)
    assert [turn["text"] for turn in told["turns"]] == [said("greeting"), said("turn"), said("cut")]
    assert told["turns"][1]["at"] == START + 8
    assert told["display_name"] == f"{CANARY}name"
    assert told["ending_detail"] == said("detail")
    assert told["done"] == [said("effect")]
    values = {fact["name"]: fact["value"] for fact in told["facts"]}
    assert values["account_id"] == f"{CANARY}fact"


async def test_what_proves_an_identity_is_told_to_nobody(store: MemoryStore) -> None:
    await stored(store)
    told = json.dumps(await told_of(store, may_read=True))
    for proof in ("postal", "capability", "identity", "arguments", "output"):
        assert f"{CANARY}{proof}" not in told


async def test_a_card_that_was_read_out_is_told_to_no_reader(store: MemoryStore) -> None:
    call = make_call(
        turns=(make_turn("My card is 4111 1111 1111 1111, thanks."),),
        facts=(make_fact("error_message", "it says 4111 1111 1111 1111"),),
    )
    await store.open_call(call)
    told = json.dumps(await told_of(store, may_read=True))
    assert "thanks" in told
    assert "1111" not in told


# --- what there is not --------------------------------------------------------------------------------------------------
async def test_there_is_nothing_of_a_call_that_does_not_exist(store: MemoryStore) -> None:
    assert await timeline(store, "call-2", may_read=True) is None


async def test_a_handoff_whose_record_is_gone_is_counted(store: MemoryStore) -> None:
    await store.open_call(make_call(handoff_ids=("handoff-0",)))
    await store.offer(make_handoff())
    told = await told_of(store)
    assert [each["handoff_id"] for each in told["handoffs"]] == ["handoff-1"]
    assert told["forgotten_handoffs"] == 1


async def test_of_a_handoff_whose_record_is_gone_the_calls_own_mark_tells_that_it_was_made(store: MemoryStore) -> None:
    mark = Mark(MarkKind.HANDOFF, "billing", START + 5, "triage", handoff_id="handoff-0")
    await store.open_call(make_call(handoff_ids=("handoff-0",), marks=(mark,)))
    told = await told_of(store)
    assert told["handoffs"] == [
        {
            "handoff_id": "handoff-0",
            "from": "triage",
            "to": "billing",
            "state": "taken",
            "reason": "",
            "moves": [["taken", START + 5]],
        }
    ]
    assert told["forgotten_handoffs"] == 0


async def test_a_handoff_that_is_known_is_told_once(store: MemoryStore) -> None:
    mark = Mark(MarkKind.HANDOFF, "billing", START + 5, "triage", handoff_id="handoff-1")
    await store.open_call(make_call(marks=(mark,)))
    await store.offer(make_handoff())
    assert [each["state"] for each in (await told_of(store))["handoffs"]] == ["offered"]


async def test_a_handoff_of_another_release_hides_nothing_else() -> None:
    class Mixed(MemoryStore):
        async def load_handoff(self, handoff_id: str) -> Handoff | None:
            raise WireMismatch("stored handoff not understood")

    store = Mixed(now=FakeClock())
    await stored(store)
    told = await told_of(store)
    assert ([each["handoff_id"] for each in told["handoffs"]], told["forgotten_handoffs"]) == (["handoff-0"], 1)


async def test_a_store_that_is_away_is_not_taken_for_one_that_has_no_call() -> None:
    store = OutageStore(now=FakeClock())
    await store.open_call(make_call())
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        await timeline(store, CALL_ID, may_read=False)


async def test_steps_of_a_handoff_come_in_the_order_in_which_they_were_made() -> None:
    clock = FakeClock()
    store = MemoryStore(now=clock)
    await store.open_call(make_call())
    await store.take_floor(CALL_ID, service="triage", agent_id="triage-1", lease_seconds=60.0)
    await store.offer(make_handoff())
    for state in (State.ACCEPTED, State.DISPATCHED, State.READY):
        clock.advance(0.25)
        await store.move("handoff-1", state, taker_id="billing-1" if state is State.READY else "")
    clock.advance(0.25)
    await store.pass_floor("handoff-1", epoch=1, lease_seconds=60.0)
    await store.end_call(CALL_ID, epoch=2, ending=Ending.RESOLVED)
    (handoff,) = (await told_of(store))["handoffs"]
    assert handoff["moves"] == [
        ["offered", START],
        ["accepted", START + 0.25],
        ["dispatched", START + 0.5],
        ["ready", START + 0.75],
        ["taken", START + 1.0],
    ]


@pytest.mark.parametrize("text", ["", "at_capacity", "billing-r2-a1b2c3", "triage-AJ_1", "CT-10001"])
def test_a_code_is_shown(text: str) -> None:
    assert code_of(text) == text


@pytest.mark.parametrize("text", ["two words", "ada@example.com", "Zoë", "x" * 81, "line\n", "+15550100", "<b>"])
def test_what_is_no_code_is_not_shown(text: str) -> None:
    assert code_of(text) == HIDDEN
