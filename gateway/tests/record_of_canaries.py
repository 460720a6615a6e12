"""A call in which every field that can hold somebody's words holds a canary: whoever may not read must see none of them."""

from __future__ import annotations

from dataclasses import replace

from handoff.call import Attempt, Call, Ending, Fact, Intent, Mark, MarkKind, Role, Source, ToolUse
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.testing import START, make_call, make_fact, make_handoff, make_turn

CANARY = "zqcanary"
CALL_ID = "call-1"


def said(what: str) -> str:
    """Words of a caller, in a sentence of that field's own."""
    return f"my {CANARY}{what} is here"


def call_of_canaries() -> Call:
    """All its free text, and all that is somebody's name, number or answer."""
    intent = Intent(said("intent"), 0.9, said("found"))
    return make_call(
        CALL_ID,
        caller_identity=f"sip_{CANARY}identity",
        display_name=f"{CANARY}name",
        language=said("language"),
        intent=intent,
        turns=(
            make_turn(said("greeting"), role=Role.AGENT, spoken_at=START + 2, service="triage"),
            make_turn(said("turn"), spoken_at=START + 8, service="triage"),
            make_turn(said("cut"), role=Role.AGENT, spoken_at=START + 12, service="triage", was_interrupted=True),
        ),
        facts=(
            make_fact("account_id", f"{CANARY}fact"),
            make_fact("postal_code", f"{CANARY}postal"),
            make_fact("identity_capability", f"{CANARY}capability"),
            Fact(said("factname"), said("factvalue"), Source.TOOL, START, verified=True),
        ),
        attempts=(
            Attempt("billing", "handoff", "at_capacity", START + 14),
            Attempt(said("service"), said("what"), said("outcome"), START + 15),
        ),
        effects=(said("effect"),),
        pending_intents=(replace(intent, name=said("pending")), Intent("sales", 0.8, "keywords")),
        tool_uses=(
            ToolUse("find_account", said("arguments"), said("output"), False, START + 16),
            ToolUse(said("tool"), said("arguments"), said("output"), True, START + 17),
        ),
        services=("triage",),
        marks=(
            Mark(MarkKind.TOOL, "billing", START + 16, "find_account"),
            Mark(MarkKind.TOOL, said("marked"), START + 17, said("toolname"), failed=True),
            Mark(MarkKind.HANDOFF, said("taker"), START + 18, said("giver"), handoff_id="handoff-0"),
            Mark(MarkKind.RECOVERY, said("lost"), START + 19),
        ),
    )


async def stored(store: MemoryStore, *, is_over: bool = False) -> None:
    """call-1 as it is above, held by triage, with a handoff that was withdrawn; or ended."""
    call = call_of_canaries()
    await store.open_call(call)
    await store.take_floor(CALL_ID, service="triage", agent_id="triage-AJ_1", lease_seconds=3600.0)
    await store.offer(make_handoff(now=START, call=call, summary=said("summary"), display_name=f"{CANARY}name"))
    await store.move("handoff-1", State.WITHDRAWN, reason=said("reason"))
    if is_over:
        await store.end_call(CALL_ID, epoch=1, ending=Ending.RESOLVED, detail=said("detail"))
