"""Yes and no, as people say them; in doubt it is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker.playbook.conversation import Answer, Conversation, Said, Speaker, ToolUse, has_none, yes_or_no


@pytest.mark.parametrize(
    "said",
    [
        "Yes please.",
        "Yes.",
        "Yeah, sure.",
        "Okay.",
        "Go ahead!",
        "Um, yes.",
        "Yes, no problem.",
        "Please do.",
        "Why not, sure, go ahead.",
        "That works.",
        "Thursday works.",
        "Works for me.",
        "Ten works for us.",
        "That sounds good.",
        "Sounds great.",
        "That suits me.",
    ],
)
def test_a_yes_is_a_yes(said: str) -> None:
    assert yes_or_no(said) is Answer.YES


@pytest.mark.parametrize(
    "said",
    ["No.", "No, thank you.", "No thanks.", "Nope.", "No, that's all, thank you.", "Please don't do that.", "Never mind.",
     "I don't want a refund.", "Not now.", "Um, no.", "No please.",
     "Maybe later.", "Not right now.", "Not right now, thanks.", "Maybe some other time.", "That doesn't work for me.",
     "Thursday doesn't work.", "Another time would be better."],
)  # fmt: skip
def test_a_no_is_a_no(said: str) -> None:
    assert yes_or_no(said) is Answer.NO


@pytest.mark.parametrize(
    "said",
    ["", "Hm.", "Yeah, no.", "Maybe.", "I'm not sure.", "Yes and no.", "Yes, but don't do it now.", "What do you mean?", "Wait.", "That's not okay.",
     "I didn't get the reference.", "How much is it?", "AC4721", "The server is not working.",
     "Is there a contract, or can I cancel anytime?", "Nothing works.", "It doesn't work.", "Not yet.", "It works now, but it's slow."],
)  # fmt: skip
def test_anything_else_is_unclear(said: str) -> None:
    assert yes_or_no(said) is Answer.UNCLEAR


@given(st.text(max_size=80))
def test_no_words_can_break_it(said: str) -> None:
    assert yes_or_no(said) in Answer


def test_an_answer_needs_words_since_the_agent_last_spoke() -> None:
    yes, question = Said(Speaker.CALLER, "Yes."), Said(Speaker.AGENT, "Shall I?")
    assert Conversation((yes, question)).answer(min_confidence=0.4) is None
    assert Conversation((question, yes)).answer(min_confidence=0.4) is Answer.YES


def test_a_badly_heard_yes_is_unclear() -> None:
    assert Conversation((Said(Speaker.CALLER, "Yes.", 0.2),)).answer(min_confidence=0.4) is Answer.UNCLEAR


def test_a_tools_answer_is_json_or_a_sentence_and_mcp_envelopes_are_opened() -> None:
    assert ToolUse.of("t", '{"a": 1}', '{"b": true}', failed=False).result == {"b": True}
    assert ToolUse.of("t", "{}", "Nobody took the call.", failed=False).result is None
    assert ToolUse.of("t", "{}", '{"type": "text", "text": "{\\"b\\": 2}"}', failed=False).result == {"b": 2}
    assert ToolUse.of("t", "not json", '{"b": 1}', failed=True).result is None


@pytest.mark.parametrize(
    "said",
    ["I don't have it.", "I don’t have it with me, sorry.", "No, I can't find my account ID.", "I never got one.", "No idea.",
     "I forgot it.", "I don't know it by heart.", "I've lost it.", "I'm not sure what it is."],
)  # fmt: skip
def test_who_has_none_of_what_was_asked_for_says_so_in_many_ways(said: str) -> None:
    assert has_none(said)


@pytest.mark.parametrize(
    "said",
    ["I don't have a problem with that.", "AC4721.", "No.", "I don't know why it crashes.", "It never works."],
)  # fmt: skip
def test_who_does_not_have_something_else_has_not_said_so(said: str) -> None:
    assert not has_none(said)
