"""What a store keeps comes back as it was, and nothing else comes in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from handoff.call import Attempt, Call, Channel, Fact, Intent, Mood, Role, Sentiment, Source, Turn
from handoff.errors import InvalidContext, WireMismatch
from handoff.record import pack_call, pack_handoff, unpack_call, unpack_context
from handoff.testing import START, make_call, make_handoff, make_intent
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FACTS = st.builds(Fact, TEXT, TEXT, st.just(Source.TOOL), NUMBERS, st.booleans(), TEXT)
INTENTS = st.builds(Intent, TEXT, NUMBERS, TEXT)
CALLS = st.builds(
    Call,
    call_id=st.text(alphabet="abc-1", min_size=1, max_size=20),
    channel=st.sampled_from(Channel),
    caller_identity=TEXT,
    started_at=NUMBERS,
    language=TEXT,
    display_name=TEXT,
    intent=st.none() | INTENTS,
    sentiment=st.builds(Sentiment, st.sampled_from(Mood), NUMBERS, NUMBERS),
    turns=st.lists(st.builds(Turn, st.sampled_from(Role), TEXT, NUMBERS, TEXT, st.booleans()), max_size=3).map(tuple),
    facts=st.lists(FACTS, max_size=3).map(tuple),
    attempts=st.lists(st.builds(Attempt, TEXT, TEXT, TEXT, NUMBERS), max_size=2).map(tuple),
    effects=st.lists(TEXT, max_size=2).map(tuple),
    pending_intents=st.lists(INTENTS, max_size=2).map(tuple),
)


@given(CALLS)
def test_any_call_comes_back_as_it_was(call: Call) -> None:
    assert unpack_call(pack_call(call)) == call


def test_a_context_comes_back_as_it_was() -> None:
    handoff = make_handoff(pending_intents=(make_intent("technical"),), effects=("process_refund RF-1 49.99",))
    assert unpack_context(pack_handoff(handoff, now=START)) == handoff.context


def test_a_whole_number_is_a_time() -> None:
    assert unpack_call(pack_call(make_call(started_at=7))) == make_call(started_at=7.0)


def test_what_a_newer_release_added_is_ignored() -> None:
    raw = json.loads(pack_call(make_call())) | {"added_later": 1}
    assert unpack_call(json.dumps(raw)) == make_call()


def test_what_an_older_release_did_not_write_has_its_default() -> None:
    raw = json.loads(pack_call(make_call()))
    del raw["sentiment"], raw["effects"], raw["pending_intents"], raw["facts"][0]["service"]
    assert unpack_call(json.dumps(raw)) == make_call()


def test_a_context_of_an_older_release_has_neither_pending_intents_nor_effects() -> None:
    raw = json.loads(pack_handoff(make_handoff(), now=START))
    del raw["pending_intents"], raw["effects"]
    assert unpack_context(json.dumps(raw)) == make_handoff().context


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"call_id": None}, "Call.call_id"),
        ({"channel": "fax"}, "Call.channel"),
        ({"started_at": "now"}, "Call.started_at"),
        ({"started_at": True}, "Call.started_at"),
        ({"turns": "hello"}, "Call.turns"),
        ({"turns": [{"role": "caller"}]}, r"Call.turns\[0\].text"),
        ({"intent": []}, "Call.intent"),
        (
            {"facts": [{"name": "a", "value": "b", "source": "caller", "learned_at": 1, "verified": True}]},
            "rule of Fact",
        ),
    ],
)
def test_a_record_that_cannot_be_read_says_where(changes: dict[str, object], where: str) -> None:
    raw = json.loads(pack_call(make_call())) | changes
    with pytest.raises(WireMismatch, match=where):
        unpack_call(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"call"', "{}", "[" * 100_000])
def test_what_is_no_record_is_a_mismatch(text: str) -> None:
    with pytest.raises(WireMismatch):
        unpack_call(text)


def test_a_malformed_call_is_refused_before_it_is_stored() -> None:
    with pytest.raises(InvalidContext, match=r"Call.turns\[0\]"):
        pack_call(make_call(turns=("hello",)))
    with pytest.raises(InvalidContext, match="not JSON"):
        pack_call(make_call(display_name=object()))


@pytest.mark.parametrize("name", ["from_service", "to_service"])
def test_an_offer_names_both_services(name: str) -> None:
    with pytest.raises(InvalidContext, match=name):
        pack_handoff(replace(make_handoff(), **{name: " "}), now=START)  # type: ignore[arg-type]
