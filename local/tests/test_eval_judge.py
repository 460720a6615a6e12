"""What the judge finds wrong in what came of a conversation, and what it lets pass."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from handoff.call import Ending, Role, Source
from handoff.lifecycle import State
from handoff.store import Handoff
from handoff.testing import START, make_call, make_context, make_fact, make_turn

from local.eval.conversation import Conversation, Expect, Line, TableChange
from local.eval.evidence import Evidence, Said, TableDiff, ToolCall
from local.eval.judge import judge

ACCOUNT = "Could you tell me your account ID, please?"
CALL = make_call(
    services=("triage", "billing"), ending=Ending.RESOLVED, effects=("process_refund RF-1 49.99",), turns=()
)


def caller(text, **more):
    return Said(True, "triage", text, **more)


def agent(text, service="billing", **more):
    return Said(False, service, text, **more)


def verdict(expect=None, **evidence):
    conversation = Conversation(
        path=Path("x.yaml"), at_line=1, name="x", lines=(Line(1, say="hi"),), expect=expect or Expect()
    )
    return judge(conversation, Evidence(**({"call": CALL} | evidence)))


def patterns(*texts):
    return tuple(re.compile(text, re.IGNORECASE) for text in texts)


def test_what_is_as_expected_passes():
    expect = Expect(
        services=("triage", "billing"),
        ending=Ending.RESOLVED,
        facts={"account_id": "ac 4721"},
        effects=patterns("process_refund .*49.99"),
        says=patterns("refunded"),
        never_says=patterns("technical"),
        says_once=patterns("refunded"),
        calls=patterns('process_refund .*"amount": "49.99"'),
        never_calls=patterns("apply_offer"),
        database={"billing": {"refunds": TableChange(added=1, rows=({"amount_cents": "4999"},))}},
        carried={"billing": {"date": "march"}},
    )
    context = make_context()
    assert (
        verdict(
            expect,
            said=(caller("charged twice"), agent("I refunded it.")),
            tool_calls=(ToolCall("billing", "process_refund", '{"amount": "49.99"}', "{}"),),
            changes={"billing": {"refunds": TableDiff(added=({"id": 7, "amount_cents": 4999},))}},
            offered=(context,),
            handoffs=(Handoff(context, "triage", "billing", State.SPOKEN),),
        )
        == []
    )


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        (Expect(services=("triage",)), "services: triage, billing, expected triage"),
        (Expect(ending=Ending.FAILED), "ending: resolved, expected failed"),
        (Expect(facts={"account_id": "AC1"}), "fact account_id: 'AC4721', expected 'AC1'"),
        (Expect(facts={"ticket_id": "T1"}), "fact ticket_id: not known, expected 'T1'"),
        (Expect(effects=()), "effects: 'process_refund RF-1 49.99' was not expected"),
        (Expect(says=patterns("sorry")), "never said: 'sorry'"),
        (Expect(calls=patterns("open_ticket")), "no tool call like 'open_ticket' among none"),
        (Expect(carried={"sales": {"interest": "demo"}}), "carried: nothing was handed to sales"),
    ],
)
def test_what_differs_is_told(expect, failure):
    assert verdict(expect) == [failure]


def test_words_that_must_not_be_said_are_told_with_their_sentence():
    expect = Expect(never_says=patterns("approved"))
    assert verdict(expect, said=(agent("You are approved."),)) == [
        "must not be said: 'approved' in 'You are approved.'"
    ]


def test_what_kept_the_conversation_from_its_end_fails_it():
    assert verdict(problems=("line 3: the call was over",)) == ["line 3: the call was over"]


def test_no_call_at_all_fails():
    assert verdict(call=None) == ["no agent answered"]


# --- databases --------------------------------------------------------------------------------------------------------
def test_a_row_that_nobody_expects_fails_every_conversation():
    (failure,) = verdict(changes={"sales": {"quotes": TableDiff(added=({"id": 1},))}})
    assert failure == 'database: sales.quotes: 1 rows added, expected 0: {"id": 1}'


def test_a_row_that_is_missing_fails():
    expect = Expect(database={"billing": {"refunds": TableChange(added=1)}})
    assert verdict(expect) == ["database: billing.refunds: 0 rows added, expected 1"]


def test_a_row_with_other_values_fails_and_is_shown():
    expect = Expect(database={"billing": {"refunds": TableChange(added=1, rows=({"amount": "49.99"},))}})
    (failure,) = verdict(expect, changes={"billing": {"refunds": TableDiff(added=({"amount": "4999"},))}})
    assert failure.startswith("database: billing.refunds: no added or changed row has {'amount': '49.99'}")
    assert '{"amount": "4999"}' in failure


def test_each_described_row_needs_a_row_of_its_own():
    twice = TableChange(added=2, rows=({"amount": "5"}, {"amount": "5"}))
    found = TableDiff(added=({"amount": 5}, {"amount": 6}))
    (failure,) = verdict(Expect(database={"b": {"t": twice}}), changes={"b": {"t": found}})
    assert "no added or changed row has" in failure


# --- asked twice ------------------------------------------------------------------------------------------------------
def test_the_same_question_in_other_words_by_another_agent_is_asked_twice():
    said = (agent("What's your account ID?", "triage"), caller("AC4721"), agent(ACCOUNT))
    assert verdict(said=said) == [f"billing asked again (after triage): {ACCOUNT!r}"]


def test_a_question_of_no_usual_kind_is_told_by_its_words():
    said = (agent("Shall I open a ticket?"), caller("hm"), agent("Sorry. Shall I open a ticket?"))
    assert verdict(said=said) == ["billing asked again: 'Shall I open a ticket?'"]


@pytest.mark.parametrize(
    "said",
    [
        (
            agent("How can I help?"),
            caller("a refund"),
            agent("Anything else? How can I help?"),
            agent("Anything else?"),
        ),
        (agent(ACCOUNT), caller("mmph", mumbled=True), agent(f"Sorry? {ACCOUNT}")),
        (agent(ACCOUNT), caller("sorry, what did you say?"), agent(ACCOUNT)),
        (agent("Is that AC4721, right?"), caller("yes"), agent("And is that AC4721, right?")),
        (agent("I have your account ID."), agent("Your account ID is AC4721.")),
    ],
    ids=["offers of help", "a mumbled answer", "a caller who asks", "confirmations", "statements"],
)
def test_what_may_come_again_is_not_asked_twice(said):
    assert verdict(said=said) == []


def test_a_question_for_what_was_known_is_told():
    known = make_fact("account_id", "AC4721", learned_at=START)
    turns = (make_turn(ACCOUNT, role=Role.AGENT, service="billing", spoken_at=START + 1),)
    assert verdict(call=replace(CALL, facts=(known,), turns=turns)) == [
        f"billing asked for the account_id, which was known: {ACCOUNT!r}"
    ]


def test_a_question_whose_answer_came_later_is_none():
    known = make_fact("account_id", "AC4721", learned_at=START + 2)
    turns = (make_turn(ACCOUNT, role=Role.AGENT, service="billing", spoken_at=START + 1),)
    assert verdict(call=replace(CALL, facts=(known,), turns=turns)) == []


def test_an_eval_may_allow_questions_again():
    said = (agent(ACCOUNT), caller("AC9999"), agent(ACCOUNT))
    assert verdict(Expect(may_ask_again=patterns("account ID")), said=said) == []
    assert verdict(Expect(asks_once=False), said=said) == []


# --- always -----------------------------------------------------------------------------------------------------------
def test_a_line_without_an_answer_fails():
    assert verdict(unanswered=(4,)) == ["line 4: no agent answered it"]


def test_a_sentence_with_a_hole_fails():
    assert verdict(said=(agent("Hello {name}."),)) == ["a sentence with a hole: 'Hello {name}.'"]


def test_a_handoff_that_arrives_changed_fails():
    context = make_context()
    arrived = Handoff(replace(context, summary="other"), "triage", "billing", State.SPOKEN)
    assert verdict(offered=(context,), handoffs=(arrived,)) == [
        "the handoff to billing did not cross the wire as it was"
    ]


def test_a_fact_that_the_taker_does_not_declare_fails():
    context = replace(make_context(), facts=(make_fact("postal_code", "97209"),))
    assert verdict(offered=(context,), handoffs=(Handoff(context, "triage", "billing", State.SPOKEN),)) == [
        "the handoff to billing carried what it does not declare: postal_code",
        "a postal code crossed a handoff",
    ]


@pytest.mark.parametrize("where", ["shown", "said", "tool_calls"])
def test_a_capability_that_is_seen_anywhere_fails(where):
    secret = "eyJhbGciOi.capability.of-this-call"
    held = make_fact("identity_capability", secret, source=Source.TOOL, verified=True)
    seen = {
        "shown": ("known: " + secret,),
        "said": (agent(secret),),
        "tool_calls": (ToolCall("billing", "verify_identity", "{}", secret),),
    }
    call = replace(CALL, facts=(held,))
    assert verdict(call=call) == []
    assert verdict(call=call, **{where: seen[where]}) == [
        "the identity's capability was shown to a brain, said, or put into a handoff's words"
    ]
