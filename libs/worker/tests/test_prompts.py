"""A caller never hears a hole in a sentence."""

from pathlib import Path

import pytest
from worker import prompts


def test_a_known_fact_is_spoken() -> None:
    text = "Hi there. I see you're calling about {topic}."
    assert (
        prompts.spoken(text, {"topic": "your March invoice"})
        == "Hi there. I see you're calling about your March invoice."
    )


def test_a_sentence_with_an_unknown_fact_is_not_spoken_at_all() -> None:
    assert prompts.spoken("Hi there. I see you're calling about {topic}.", {}) == "Hi there."


def test_an_empty_fact_counts_as_unknown() -> None:
    assert prompts.spoken("About {topic}. How can I help?", {"topic": ""}) == "How can I help?"


def test_a_question_stays_when_the_sentence_behind_it_is_not_spoken() -> None:
    text = "Is it about billing? Or press 1 for billing on {keypad}."
    assert prompts.spoken(text, {}) == "Is it about billing?"
    assert prompts.spoken(text, {"keypad": "your keypad"}).endswith("Or press 1 for billing on your keypad.")


def test_a_missing_prompt_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"greeting_direct\.md"):
        prompts.load(tmp_path, "greeting_direct")
