"""Whatever an agent says that a caller may type is understood when he types it; and no other sentence offers a key."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from handoff.directory import DIRECTORY
from worker import prompts
from worker.playbook import playbook
from worker.playbook.phrases import LAST_QUESTION, Phrase
from worker.telephone.keypad import choices, told
from worker.telephone.phone import KEYPAD

CODES = {"four digits": "4721", "five digits": "97209", "one at a time, or type them": "97209"}
"""What a hint asks for, and an example of it."""


def hints(service: str) -> Iterator[tuple[str, str]]:
    """Each sentence with a hint, as it is said on the telephone: rule, words."""
    for rule in playbook.load(files(service) / "playbook.yaml").rules:
        for phrase in rule.phrases:
            if "{keypad}" in phrase.text:
                yield rule.name, said_on_the_phone(phrase)


def said_on_the_phone(phrase: Phrase) -> str:
    text = phrase.fill(lambda name: KEYPAD if name == "keypad" else "something")
    assert text is not None
    return text


@pytest.mark.parametrize("service", DIRECTORY)
def test_what_an_agent_asks_to_be_typed_is_taken(service: str) -> None:
    for rule, text in hints(service):
        typed = [example for words, example in CODES.items() if words in text]
        offered = choices(text)
        assert bool(typed) != bool(offered), f"{service}, {rule}: it must ask for a code or offer keys: {text}"
        assert all(told(example, text) for example in typed), f"{service}, {rule}: {text}"
        assert not offered or list(offered) == [str(n + 1) for n in range(len(offered))], f"{service}, {rule}: {text}"


def test_every_service_that_asks_who_the_caller_is_lets_him_type_it() -> None:
    for service in ("billing", "technical", "sales", "escalation"):
        assert {"ask_account", "ask_postal_code"} <= {rule for rule, _ in hints(service)}


@pytest.mark.parametrize("service", DIRECTORY)
def test_a_question_with_a_hint_is_a_question_still(service: str) -> None:
    asked = [(rule, text) for rule, text in hints(service) if "? " in text]
    assert [(rule, text) for rule, text in asked if LAST_QUESTION.search(text) is None] == []


@pytest.mark.parametrize("service", DIRECTORY)
def test_nobody_without_a_keypad_is_told_of_one(service: str) -> None:
    for rule in playbook.load(files(service) / "playbook.yaml").rules:
        for phrase in rule.phrases:
            text = phrase.fill(lambda name: None if name == "keypad" else "something")
            assert text is not None, f"{rule.name}: a hint belongs in square brackets"
            assert "keypad" not in text
            assert choices(text) == {}


def test_triages_clarifying_prompt_offers_the_keys_that_its_playbook_offers() -> None:
    text = prompts.load(files("triage"), "clarify")
    said = prompts.spoken(text, {"keypad": KEYPAD})
    assert said in {words for _, words in hints("triage")}
    assert choices(said) == {"1": "billing", "2": "a technical problem", "3": "our plans"}
    assert "keypad" not in prompts.spoken(text, {})
