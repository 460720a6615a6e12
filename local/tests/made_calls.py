"""A made-up call for the tests of the report: a recording with known times, its record, its handoff."""

from __future__ import annotations

from typing import Any

from handoff.call import Call, Channel, Ending, Fact, Intent, Sentiment, Source
from handoff.context import HandoffContext
from handoff.lifecycle import State
from handoff.store import Handoff

from local.caller import Caption, Recording, Spoken
from local.tests.voices import track, voice

BILLING_WORDS = "Hi there, I'm your billing specialist. I see you're calling about your March invoice."


def recording(**changed: Any) -> Recording:
    """A web call of 12 s; billing follows triage after 140 ms."""
    parts: dict[str, Any] = {
        "call_id": "call-1",
        "channel": "web",
        "started_at": 1000.0,
        "said": track(12.0, (3.0, voice(1.0, pitch_hz=220))),
        "agents": {
            "triage-1": track(12.0, (0.5, voice(2.0)), (4.5, voice(1.5, seed=4))),
            "billing-h1": track(12.0, (6.14, voice(2.0, seed=2)), (9.0, voice(1.0, seed=3))),
        },
        "spoken": (Spoken("I was charged twice.", "", 3000, 4000),),
        "captions": (
            Caption("triage", "triage-1", "How can I help you?", 560, 2300),
            Caption("caller", "caller-1", "I was charged wise.", 4300, 4300),
            Caption("triage", "triage-1", "I'm connecting you.", 4550, 5700),
            Caption("billing", "billing-h1", BILLING_WORDS, 6200, 7900),
            Caption("billing", "billing-h1", "What is your account ID?", 9040, 9800),
        ),
        "ended_by": "mesh",
    }
    return Recording(**(parts | changed))


def handoff(**changed: Any) -> Handoff:
    """From triage to billing, all its steps taken."""
    context = HandoffContext(
        call_id="call-1",
        handoff_id="h1",
        epoch=1,
        created_at=1004.0,
        expires_at=1304.0,
        intent=Intent("billing", 0.9, "keywords"),
        summary="",
        turns=(),
        facts=(),
        sentiment=Sentiment(),
        attempts=(),
        services=("triage",),
        language="en",
        channel=Channel.WEB,
        caller_identity="caller-1",
    )
    moved_at = {
        State.OFFERED: 1004.0,
        State.ACCEPTED: 1004.012,
        State.READY: 1004.5,
        State.TAKEN: 1006.0,
        State.SPOKEN: 1006.15,
    }
    parts: dict[str, Any] = {"state": State.SPOKEN, "moved_at": moved_at, "taker_id": "billing-h1"}
    return Handoff(context, "triage", "billing", **(parts | changed))


CALL = Call(
    call_id="call-1",
    channel=Channel.WEB,
    caller_identity="caller-1",
    started_at=1000.0,
    services=("triage", "billing"),
    facts=(
        Fact("account_id", "AC4721", Source.CALLER, 1.0),
        Fact("date", "March", Source.CALLER, 1.0),
        Fact("account_id", "AC4721", Source.TOOL, 2.0, verified=True),
    ),
    effects=("process_refund RF-20417 49.99",),
    ending=Ending.RESOLVED,
)
