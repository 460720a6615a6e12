"""A card number that a caller says though nobody asks: neither record nor model has it, and he is told that none is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from handoff.call import Role
from livekit.agents import stt
from livekit.agents.language import LanguageCode
from worker.agent.card_numbers import without_cards
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import paper_service, text_call
from worker.testing.told import ToldModel

DIGITS = "4111 1111 1111 1111"
SPOKEN = "four one one one, one one one one, one one one one, one one one one"
KINDS = (
    stt.SpeechEventType.INTERIM_TRANSCRIPT,
    stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)


def heard(kind: stt.SpeechEventType, text: str) -> stt.SpeechEvent:
    return stt.SpeechEvent(type=kind, alternatives=[stt.SpeechData(language=LanguageCode("en"), text=text)])


async def words(*events: stt.SpeechEvent | str) -> list[str]:
    async def given() -> AsyncIterator[stt.SpeechEvent | str]:
        for event in events:
            yield event

    passed = [event async for event in without_cards(given())]
    return [event if isinstance(event, str) else event.alternatives[0].text for event in passed]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.value))
@pytest.mark.parametrize("number", [DIGITS, SPOKEN], ids=["digits", "words"])
async def test_speech_to_text_passes_no_card_on_neither_early_nor_at_last(
    kind: stt.SpeechEventType, number: str
) -> None:
    (text,) = await words(heard(kind, f"My card is {number}, and my account is AC4721."))
    assert text == "My card is [card], and my account is AC4721."


async def test_what_a_service_needs_passes_as_it_was_said() -> None:
    said = ["A C 4 7 2 1", "97209", "invoice 2 0 2 6 0 3 0 0 4 2", "call me on 503 555 0142", "$49.99 on March 3rd"]
    said += [
        "97209 97209 97209 9",
        "503 555 0142. 503 555 0142.",
        "503 555 0142, 4721",
        "4 7 2 1. 4 7 2 1. 4 7 2 1. 4 7 2 1",
    ]
    assert await words(*said) == said


@pytest.mark.parametrize("number", ["5555 5555 5555 4444", "4111 1111 1111 1112", "2223 0031 2200 3222"])
async def test_a_card_of_few_digits_and_one_that_was_misheard_pass_no_more_than_others(number: str) -> None:
    (text,) = await words(f"It's {number}.")
    assert text in ("It's [card].", "It's [number].")


@without_waiting
async def test_a_card_in_two_pieces_of_one_turn_reaches_neither_record_nor_model(tmp_path: Path) -> None:
    brain = ToldModel("No card is needed.")
    async with text_call(paper_service(tmp_path), brain) as call:
        await call.caller("4111 1111 1111 1111 please.")
        assert [turn.text for turn in call.call.turns if turn.role is Role.CALLER] == ["[card] please."]
        assert "4111" not in str(call.session.history.to_dict()) and "[card]" in str(call.session.history.to_dict())


@without_waiting
async def test_a_card_in_pieces_leaves_the_record_with_the_last_of_them(tmp_path: Path) -> None:
    brain = ToldModel("Yes?", "Yes?", "Yes?")
    async with text_call(paper_service(tmp_path), brain) as call:
        for piece in ("It's 4 1 1 1 1 1 1 1.", "1 1 1 1", "1 1 1 1."):
            await call.caller(piece)
        assert [turn.text for turn in call.call.turns if turn.role is Role.CALLER] == [
            "It's [card].",
            "[card]",
            "[card].",
        ]
