"""What crosses the wire comes out as it went in, and nothing malformed comes in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from handoff import wire
from handoff.call import Attempt, Channel, Fact, Intent, Mood, Role, Sentiment, Source, Turn
from handoff.context import MAX_BYTES, MAX_EFFECTS, MAX_PENDING, MAX_TURNS, HandoffContext
from handoff.errors import InvalidContext, WireMismatch
from handoff.lifecycle import State
from handoff.outcome import Accepted, Declined, Refusal
from handoff.store import Handoff
from handoff.testing import START, make_context, make_fact, make_handoff, make_turn
from handoff.v1 import call_pb2, handoff_pb2, handoff_service_pb2
from hypothesis import given
from hypothesis import strategies as st

# --- round trips --------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
# Every clock of this mesh shows a time after 1970 and before 2100.
TIME = st.floats(min_value=2.0**23, max_value=2.0**32)
FACT_NAMES = st.sampled_from(
    [field.name for group in ("BillingFacts", "TechnicalFacts", "SalesFacts")
     for field in call_pb2.DESCRIPTOR.message_types_by_name[group].fields]
)  # fmt: skip


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    source = draw(st.sampled_from(Source))
    verified = source is Source.TOOL and draw(st.booleans())
    return Fact(draw(FACT_NAMES | NAME), draw(TEXT), source, draw(TIME), verified, draw(TEXT))


INTENTS = st.builds(
    Intent,
    name=st.sampled_from(["billing", "technical", "sales", "escalation", "general"]) | NAME,
    confidence=st.floats(0, 1),
    found_by=TEXT,
)

CONTEXTS = st.builds(
    HandoffContext,
    call_id=NAME,
    handoff_id=NAME,
    epoch=st.integers(1, 2**63 - 1),
    created_at=TIME,
    expires_at=TIME,
    intent=INTENTS,
    summary=TEXT,
    turns=st.lists(
        st.builds(Turn, st.sampled_from(Role), TEXT, TIME, TEXT, st.booleans()), max_size=MAX_TURNS
    ).map(tuple),
    facts=st.lists(facts(), max_size=8).map(tuple),
    sentiment=st.builds(Sentiment, st.sampled_from(Mood), st.floats(-1, 1), st.floats(-2, 2)),
    attempts=st.lists(st.builds(Attempt, TEXT, TEXT, TEXT, TIME), max_size=3).map(tuple),
    services=st.lists(NAME, min_size=1, max_size=6).map(tuple),
    language=TEXT,
    channel=st.sampled_from(Channel),
    caller_identity=NAME,
    display_name=TEXT,
    pending_intents=st.lists(INTENTS, max_size=3).map(tuple),
    effects=st.lists(TEXT, max_size=3).map(tuple),
)  # fmt: skip


def over_the_wire(context: HandoffContext) -> HandoffContext:
    return wire.from_wire(handoff_pb2.HandoffContext.FromString(wire.to_wire(context).SerializeToString()))


@given(CONTEXTS)
def test_a_context_comes_out_exactly_as_it_went_in(context: HandoffContext) -> None:
    assert over_the_wire(context) == context


@given(st.lists(facts(), min_size=1, max_size=8), st.sampled_from(["billing", "technical", "sales", "general"]))
def test_the_best_fact_of_a_name_is_the_same_on_both_sides(known: list[Fact], intent: str) -> None:
    sent = make_context(facts=tuple(known), intent=Intent(intent, 1.0, "keywords"))
    received = over_the_wire(sent)
    assert all(received.fact(fact.name) == sent.fact(fact.name) for fact in known)


@given(st.decimals(min_value=0, max_value=2**32, places=9).map(float))
def test_a_time_is_exact_to_the_nanosecond(at: float) -> None:
    assert over_the_wire(make_context(turns=(make_turn(spoken_at=at),))).turns[0].spoken_at == at


@pytest.mark.parametrize(
    "outcome",
    [Accepted("h1", "billing", "1.2.3"), *(Declined("h1", reason, "why") for reason in Refusal)],
    ids=lambda outcome: getattr(outcome, "reason", "accepted"),
)
def test_an_answer_comes_out_as_it_went_in(outcome: Accepted | Declined) -> None:
    assert wire.outcome_from_wire(wire.outcome_to_wire(outcome), "h1") == outcome


@pytest.mark.parametrize("state", State)
def test_an_update_tells_state_times_taker_and_reason(state: State) -> None:
    made = make_handoff("h1")
    moved_at = {State.OFFERED: START, state: START + 0.25}
    update = wire.update_from_wire(
        wire.update_to_wire(Handoff(made.context, "triage", "billing", state, moved_at, "billing-h1", "why"))
    )
    assert update == wire.HandoffUpdate("h1", state, moved_at, "billing-h1", "why")


def test_the_room_for_calls_comes_out_as_it_went_in() -> None:
    status = wire.PoolStatus("billing", capacity=8, active=3, draining=True, version="1.2.3")
    assert wire.pool_from_wire(wire.pool_to_wire(status)) == status


def test_a_peer_that_does_not_know_of_pending_intents_and_effects_is_still_understood() -> None:
    message = wire.to_wire(make_context(pending_intents=(Intent("technical", 0.8, "classifier"),), effects=("refund",)))
    for added_later in ("pending_intents", "effects"):
        message.ClearField(added_later)
    for named in (message.extracted_info.billing.account_id, message.extracted_info.billing.date):
        named.ClearField("service")
    received = wire.from_wire(message)
    assert (received.pending_intents, received.effects) == ((), ())
    assert {fact.service for fact in received.facts} == {""}


# --- where a fact goes ----------------------------------------------------------------------------------------------------


def test_a_fact_of_the_intent_has_a_typed_place_and_others_go_by_name() -> None:
    sent = make_context(facts=(make_fact("account_id", "AC4721"), make_fact("product", "router")))
    info = wire.to_wire(sent).extracted_info
    assert info.billing.account_id.value == "AC4721"
    assert [named.name for named in info.other] == ["product"]


def test_the_verified_fact_gets_the_typed_place_and_a_newer_unverified_one_goes_by_name() -> None:
    verified = make_fact("account_id", "AC4721", source=Source.TOOL, verified=True)
    info = wire.to_wire(make_context(facts=(verified, make_fact("account_id", "AC9999")))).extracted_info
    assert (info.billing.account_id.value, info.billing.account_id.verified) == ("AC4721", True)
    assert [named.fact.value for named in info.other] == ["AC9999"]


def test_steps_that_were_tried_are_kept_as_a_list() -> None:
    steps = (make_fact("steps_tried", "restarted it"), make_fact("steps_tried", "changed the cable"))
    info = wire.to_wire(make_context(intent=Intent("technical", 1.0, "keywords"), facts=steps)).extracted_info
    assert [step.value for step in info.technical.steps_tried] == ["restarted it", "changed the cable"]


def test_a_fact_field_of_a_newer_contract_is_passed_over() -> None:
    message = wire.to_wire(make_context(facts=(make_fact("account_id", "AC4721"),)))
    future = call_pb2.TechnicalFacts(product=message.extracted_info.billing.account_id)
    # Field 2 of TechnicalFacts stands in for a field that BillingFacts does not have yet: moved to number 15.
    unknown = bytes([15 << 3 | 2]) + future.SerializeToString()[1:]
    message.extracted_info.billing.MergeFromString(unknown)
    assert [fact.name for fact in wire.from_wire(message).facts] == ["account_id"]


# --- what is refused ------------------------------------------------------------------------------------------------------

Spoil = Callable[[Any], object]

MALFORMED: dict[str, Spoil] = {
    "no call id": lambda m: m.ClearField("session_id"),
    "no handoff id": lambda m: m.ClearField("handoff_id"),
    "no epoch": lambda m: m.ClearField("epoch"),
    "a pending intent without a name": lambda m: m.pending_intents.add(),
    "too many pending intents": lambda m: m.pending_intents.extend([m.user_intent] * (MAX_PENDING + 1)),
    "too many effects": lambda m: m.effects.extend(["refund"] * (MAX_EFFECTS + 1)),
    "a negative epoch": lambda m: setattr(m, "epoch", -1),
    "no time of creation": lambda m: m.ClearField("created_at"),
    "no time of expiry": lambda m: m.ClearField("expires_at"),
    "nanoseconds of more than a second": lambda m: setattr(m.expires_at, "nanos", 10**9),
    "a time after the year 9999": lambda m: setattr(m.expires_at, "seconds", 2**60),
    "no intent": lambda m: m.ClearField("user_intent"),
    "an intent without a name": lambda m: m.user_intent.ClearField("name"),
    "a confidence above one": lambda m: setattr(m.user_intent, "confidence", 1.01),
    "a confidence that is no number": lambda m: setattr(m.user_intent, "confidence", math.nan),
    "no sentiment": lambda m: m.ClearField("sentiment"),
    "an infinite sentiment": lambda m: setattr(m.sentiment, "score", math.inf),
    "a trend out of range": lambda m: setattr(m.sentiment, "trend", -2.5),
    "no channel": lambda m: m.ClearField("channel"),
    "no caller": lambda m: m.ClearField("caller"),
    "a caller without an identity": lambda m: m.caller.ClearField("identity"),
    "no service": lambda m: m.ClearField("services"),
    "a service without a name": lambda m: m.services.append(""),
    "a turn without a time": lambda m: m.conversation_history[0].ClearField("spoken_at"),
    "too many turns": lambda m: m.conversation_history.extend([m.conversation_history[0]] * MAX_TURNS),
    "a verified fact that the caller said": lambda m: setattr(m.extracted_info.billing.account_id, "verified", True),
    "a fact without a time": lambda m: m.extracted_info.billing.account_id.ClearField("learned_at"),
    "a fact without a name": lambda m: m.extracted_info.other.add().fact.CopyFrom(m.extracted_info.billing.account_id),
    "more than 256 KiB": lambda m: setattr(m, "summary", "x" * MAX_BYTES),
}

UNREADABLE: dict[str, Spoil] = {
    "a channel of a newer contract": lambda m: setattr(m, "channel", 99),
    "a role of a newer contract": lambda m: setattr(m.conversation_history[0], "role", 99),
    "a turn without a role": lambda m: m.conversation_history[0].ClearField("role"),
    "a mood of a newer contract": lambda m: setattr(m.sentiment, "label", 99),
    "a fact without a source": lambda m: m.extracted_info.billing.account_id.ClearField("source"),
}


@pytest.mark.parametrize("spoil", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_context_is_invalid(spoil: Spoil) -> None:
    message = wire.to_wire(make_context())
    spoil(message)
    with pytest.raises(InvalidContext):
        wire.from_wire(message)


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_context_of_another_contract_is_a_mismatch(spoil: Spoil) -> None:
    message = wire.to_wire(make_context())
    spoil(message)
    with pytest.raises(WireMismatch):
        wire.from_wire(message)


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": 2**63},
        {"expires_at": math.nan},
        {"expires_at": math.inf},
        {"expires_at": 1e15},
        {"summary": "secret \ud800"},
        {"summary": "secret" * MAX_BYTES},
    ],
    ids=["epoch too large", "no number", "for ever", "after year 9999", "half a character", "too large"],
)
def test_what_the_contract_cannot_carry_is_refused_without_quoting_it(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidContext) as refused:
        wire.to_wire(make_context(**changes))
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "message",
    [
        wire.OfferResponse(handoff_id="h1"),
        wire.OfferResponse(handoff_id="another", accepted=handoff_pb2.Accepted(agent_name="billing")),
        wire.OfferResponse(handoff_id="h1", accepted=handoff_pb2.Accepted()),
        wire.OfferResponse(handoff_id="h1", declined=handoff_pb2.Declined()),
    ],
    ids=["empty", "of another offer", "accepted by nobody", "declined for no reason"],
)
def test_an_answer_that_makes_no_sense_is_a_mismatch(message: wire.OfferResponse) -> None:
    with pytest.raises(WireMismatch):
        wire.outcome_from_wire(message, "h1")


@pytest.mark.parametrize(
    "message",
    [
        wire.WatchResponse(handoff_id="h1"),
        wire.WatchResponse(handoff_id="h1", state="HANDOFF_STATE_READY", steps=[handoff_pb2.Step(state=1)]),
    ],
    ids=["no state", "a step without a time"],
)
def test_an_update_that_makes_no_sense_is_a_mismatch(message: wire.WatchResponse) -> None:
    with pytest.raises(WireMismatch):
        wire.update_from_wire(message)


def test_a_pool_without_a_service_is_a_mismatch() -> None:
    with pytest.raises(WireMismatch):
        wire.pool_from_wire(wire.PoolResponse(capacity=1))


# --- the contract itself ----------------------------------------------------------------------------------------------------

IMPERSONAL_TEXT = {
    "Turn.service",
    "Fact.service",
    "NamedFact.name",
    "Intent.name",
    "Intent.found_by",
    "Attempt.service",
    "Attempt.what",
    "Attempt.outcome",
    "HandoffContext.session_id",
    "HandoffContext.handoff_id",
    "HandoffContext.services",
    "HandoffContext.language",
}


def _text_fields(message: Descriptor) -> Iterator[FieldDescriptor]:
    for field in message.fields:
        if field.message_type:
            yield from _text_fields(field.message_type)
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield field


def test_every_text_of_a_context_is_marked_personal_unless_it_is_listed_as_impersonal() -> None:
    fields = {
        f"{field.containing_type.name}.{field.name}": field.GetOptions().debug_redact
        for field in _text_fields(handoff_pb2.HandoffContext.DESCRIPTOR)
    }
    assert {name for name, is_personal in fields.items() if not is_personal} == IMPERSONAL_TEXT


def test_every_enum_begins_with_unspecified_and_knows_no_value_that_the_domain_lacks() -> None:
    twins = {
        "Role": Role,
        "Channel": Channel,
        "Source": Source,
        "Mood": Mood,
        "HandoffState": State,
        "Refusal": Refusal,
    }
    enums = {
        **call_pb2.DESCRIPTOR.enum_types_by_name,
        **handoff_pb2.DESCRIPTOR.enum_types_by_name,
        **handoff_service_pb2.DESCRIPTOR.enum_types_by_name,
    }
    assert enums.keys() == twins.keys()
    for name, enum in enums.items():
        assert enum.values_by_number[0].name.endswith("_UNSPECIFIED")
        assert len(enum.values) == len(twins[name]) + 1
