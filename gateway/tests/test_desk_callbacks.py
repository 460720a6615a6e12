"""Callbacks at the desk: who sees what is due, who claims one, who says that it is made, and that no number is whole."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from handoff.call import Channel
from handoff.ledger import DueCallback
from handoff.testing import START, make_call, make_due, make_turn

from gateway.desk_callbacks import CLAIM_SECONDS
from gateway.tests.desk_stage import CARD, Human, Stage, desk_settings

OF = {"ticket_id": "CT-10001", "call_id": "call-1"}
NUMBER = "+15035550142"


@pytest.fixture
def stage() -> Stage:
    stage = Stage(desk_settings())
    stage.store.clock.at = START + 900.0
    return stage


@pytest.fixture
def anna(stage: Stage) -> Human:
    return stage.human("Anna")


@pytest.fixture
def ben(stage: Stage) -> Human:
    return stage.human("Ben")


def queued(stage: Stage, *callbacks: DueCallback) -> None:
    """Promised by a call by telephone, whose record is still kept, and due now."""
    call = make_call(
        channel=Channel.PHONE,
        caller_identity=f"sip_{NUMBER}",
        turns=(make_turn("I was charged twice, and nobody could help me."), make_turn(f"My card is {CARD}.")),
    )
    asyncio.run(stage.store.open_call(call))
    for due in callbacks or (make_due(channel="phone"),):
        asyncio.run(stage.store.queue_callback(due))


def listed(human: Human) -> list[dict[str, Any]]:
    return list(human.asks("beat", available=False)["callbacks"])


# --- who sees what ------------------------------------------------------------------------------------------------------
def test_what_is_due_is_in_the_list_with_ticket_service_and_time(stage: Stage, anna: Human) -> None:
    queued(stage, make_due("CT-10002", due_at=START + 800.0), make_due())
    assert listed(anna) == [
        {
            **OF,
            "about": "billing",
            "due_at": START + 600.0,
            "late_seconds": 300,
            "claimed_by": "",
            "is_mine": False,
        },
        {
            "ticket_id": "CT-10002",
            "call_id": "call-1",
            "about": "billing",
            "due_at": START + 800.0,
            "late_seconds": 100,
            "claimed_by": "",
            "is_mine": False,
        },
    ]


def test_what_is_known_of_the_call_is_told_as_long_as_its_record_is_kept(stage: Stage, anna: Human) -> None:
    queued(stage)
    told = anna.asks("callback", **OF)
    assert (told["reason"], told["channel"]) == ("at capacity", "phone")
    assert "I was charged twice" in told["summary"]
    stage.store.clock.advance(2 * 3600)
    later = anna.asks("callback", **OF)
    assert (later["summary"], later["number"], later["ticket_id"]) == ("", "", "CT-10001")


def test_no_number_is_whole_and_no_card_is_told(stage: Stage, anna: Human) -> None:
    queued(stage)
    told = anna.asks("callback", **OF)
    assert told["number"] == "•••42"
    text = json.dumps([told, listed(anna)])
    assert not any(secret in text for secret in (NUMBER, NUMBER[1:], CARD))


def test_the_number_that_the_caller_gave_is_whole_for_who_calls_him(stage: Stage, anna: Human, ben: Human) -> None:
    queued(stage, make_due(channel="web", number="5035550199"))
    assert anna.asks("callback", **OF)["number"] == "•••99"
    anna.asks("claim", **OF)
    assert anna.asks("callback", **OF)["number"] == "5035550199"
    assert ben.asks("callback", **OF)["number"] == "•••99"
    assert "5035550199" not in json.dumps([listed(anna), listed(ben)])


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": Channel.WEB, "caller_identity": "caller-5035550142"},
        {"channel": Channel.PHONE, "caller_identity": "sip_4f2a9c11"},
    ],
    ids=["a page", "a number that the carrier hides"],
)
def test_who_has_no_number_is_given_none(stage: Stage, anna: Human, changes: dict[str, Any]) -> None:
    asyncio.run(stage.store.open_call(replace(make_call("call-2"), **changes)))
    queued(stage, make_due(call_id="call-2"))
    assert anna.asks("callback", ticket_id="CT-10001", call_id="call-2")["number"] == ""


@pytest.mark.parametrize("what", ["callback", "claim", "let-go", "called"])
def test_nobody_sees_or_makes_a_callback_who_has_not_signed_in(stage: Stage, what: str) -> None:
    queued(stage)
    answer = stage.browser().post(f"/api/desk/{what}", json=OF)
    assert answer.status_code == 401
    assert stage.browser("https://evil.example").post(f"/api/desk/{what}", json=OF).status_code == 403


@pytest.mark.parametrize("body", [{}, {"ticket_id": "CT-10001"}, OF | {"call_id": 7}, OF | {"ticket_id": "x" * 300}])
def test_a_body_that_names_no_ticket_is_refused(anna: Human, body: dict[str, Any]) -> None:
    anna.asks("claim", code=400, **body)


# --- who makes it -------------------------------------------------------------------------------------------------------
def test_of_two_who_claim_a_callback_one_makes_it(stage: Stage, anna: Human, ben: Human) -> None:
    queued(stage)
    anna.asks("claim", **OF)
    assert ben.asks("claim", code=409, **OF)["error"]["code"] == "gone"
    assert [(one["claimed_by"], one["is_mine"]) for one in listed(anna)] == [("Anna", True)]
    assert [(one["claimed_by"], one["is_mine"]) for one in listed(ben)] == [("Anna", False)]
    ben.asks("called", code=409, **OF)
    anna.asks("called", **OF)
    assert listed(ben) == []
    (done,), _ = asyncio.run(stage.store.callbacks_done())
    assert (done.ticket_id, done.call_id, done.done_at) == ("CT-10001", "call-1", stage.store.clock())
    anna.asks("called", code=409, **OF)


def test_who_lets_it_go_leaves_it_to_the_others(stage: Stage, anna: Human, ben: Human) -> None:
    queued(stage)
    anna.asks("claim", **OF)
    ben.asks("let-go", **OF)
    assert [one["claimed_by"] for one in listed(ben)] == ["Anna"], "it is not his to let go"
    anna.asks("let-go", **OF)
    ben.asks("claim", **OF)
    assert [one["claimed_by"] for one in listed(anna)] == ["Ben"]


def test_who_claims_and_never_calls_keeps_it_from_nobody_for_long(stage: Stage, anna: Human, ben: Human) -> None:
    queued(stage)
    anna.asks("claim", **OF)
    stage.store.clock.advance(CLAIM_SECONDS)
    assert [one["claimed_by"] for one in listed(ben)] == [""]
    anna.asks("called", code=409, **OF)
    ben.asks("claim", **OF)


def test_a_callback_that_is_done_elsewhere_is_gone(stage: Stage, anna: Human) -> None:
    queued(stage)
    asyncio.run(stage.store.drop_callback("CT-10001", "call-1"))
    assert listed(anna) == []
    assert anna.asks("callback", code=409, **OF)["error"]["code"] == "gone"
    anna.asks("claim", code=409, **OF)


def test_nothing_of_a_caller_is_logged(stage: Stage, anna: Human, caplog: pytest.LogCaptureFixture) -> None:
    queued(stage)
    with caplog.at_level("DEBUG"):
        anna.asks("callback", **OF)
        anna.asks("claim", **OF)
        anna.asks("called", **OF)
    assert "charged" not in caplog.text
    assert NUMBER[1:] not in caplog.text
