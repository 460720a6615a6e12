"""What is said around a transfer is told from what belongs to the conversation."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker.handover.announcing import announcement, house_words, place_in_line, stand_in
from worker.handover.asides import is_aside
from worker.testing.text_call import PaperService, paper_service


@pytest.fixture
def service(tmp_path: Path) -> PaperService:
    return paper_service(tmp_path)


def test_everything_that_is_said_around_a_transfer_is_an_aside(service: PaperService) -> None:
    said = [
        announcement(service, "billing"),
        stand_in(service, "escalation", missed="billing"),
        house_words(service, "once_more"),
        house_words(service, "hold", specialist="billing specialist", place=place_in_line(service, 3)),
        house_words(service, "hold_noted", place=place_in_line(service, 1)),
        place_in_line(service, 2),
    ]
    assert [text for text in said if not is_aside(service, text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you, Sarah. Let me look at your March invoice.",
        "How can I help you today?",
        "I'm connecting you with our billing specialist. But first, what is your account ID?",
    ],
)
def test_what_belongs_to_the_conversation_is_none(service: PaperService, text: str) -> None:
    assert not is_aside(service, text)
