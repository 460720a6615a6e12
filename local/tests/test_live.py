"""The call as a person follows it: sentence by sentence, each thing once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handoff.call import Ending, Source
from handoff.lifecycle import State
from handoff.testing import START, make_call, make_fact, make_handoff, make_intent

from local.console import Console
from local.live import LiveWords, Story


@pytest.fixture
def lines() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def words(lines: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> LiveWords:
    console = Console()
    monkeypatch.setattr(console, "spoken", lambda speaker, text: lines.append((speaker, text)))
    return LiveWords(console)


def grow(words: LiveWords, speaker: str, text: str) -> None:
    """As captions come: word by word, then final."""
    parts = text.split()
    for count in range(1, len(parts) + 1):
        words.note(speaker, " ".join(parts[:count]), False, count)
    words.note(speaker, text, True, len(parts))


def test_each_sentence_is_printed_once_when_it_is_complete(words: LiveWords, lines: list[tuple[str, str]]) -> None:
    words.note("triage", "Thanks for calling. How can", False, 0)
    assert lines == [("triage", "Thanks for calling.")]
    words.note("triage", "Thanks for calling. How can I help?", False, 1)
    words.note("triage", "Thanks for calling. How can I help?", True, 2)
    assert lines == [("triage", "Thanks for calling."), ("triage", "How can I help?")]


def test_an_amount_of_money_does_not_end_a_sentence(words: LiveWords, lines: list[tuple[str, str]]) -> None:
    grow(words, "billing", "I see a charge of $49.99 twice.")
    assert lines == [("billing", "I see a charge of $49.99 twice.")]


def test_what_we_understand_of_the_caller_is_printed_when_it_is_final(
    words: LiveWords, lines: list[tuple[str, str]]
) -> None:
    words.note("caller", "I was charged twice. For", False, 0)
    assert lines == []
    words.note("caller", "I was charged twice for March.", True, 1)
    assert lines == [("caller", "I was charged twice for March.")]


def test_the_same_sentence_in_another_caption_is_printed_again(words: LiveWords, lines: list[tuple[str, str]]) -> None:
    grow(words, "triage", "One moment please.")
    grow(words, "triage", "One moment please.")
    assert lines == [("triage", "One moment please.")] * 2


def test_words_without_an_end_are_printed_when_the_caption_is_final(
    words: LiveWords, lines: list[tuple[str, str]]
) -> None:
    words.note("triage", "I'm connecting you", False, 0)
    words.note("triage", "I'm connecting you", True, 1)
    assert lines == [("triage", "I'm connecting you")]


@pytest.fixture
def asides() -> list[str]:
    return []


@pytest.fixture
def story(asides: list[str], monkeypatch: pytest.MonkeyPatch) -> Story:
    console = Console()
    monkeypatch.setattr(console, "aside", asides.append)
    return Story(console)


def test_each_fact_of_a_call_is_told_once_and_again_when_it_is_verified(story: Story, asides: list[str]) -> None:
    call = make_call(facts=(make_fact(),), intent=make_intent())
    story.tell_call(call)
    story.tell_call(call)
    verified = make_fact(source=Source.TOOL, verified=True)
    story.tell_call(make_call(facts=(make_fact(), verified), intent=make_intent(), ending=Ending.RESOLVED))
    assert asides == [
        "intent: billing (keywords, 90% sure)",
        "fact: account_id = AC4721 (from the caller)",
        "fact: account_id = AC4721 (verified)",
        "the call ended: resolved",
    ]


def test_the_steps_of_a_handoff_are_told_with_the_time_since_the_offer(story: Story, asides: list[str]) -> None:
    offered = replace(make_handoff(), moved_at={State.OFFERED: START})
    story.tell_handoff(offered)
    moved_at = {State.OFFERED: START, State.DECLINED: START + 0.012}
    story.tell_handoff(replace(offered, state=State.DECLINED, moved_at=moved_at, reason="draining"))
    assert asides == [
        "handoff triage → billing: offered",
        "handoff triage → billing: declined after 12 ms (draining)",
    ]
