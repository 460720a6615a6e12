"""The words around a handoff: whole sentences, in the service's own words when it has some."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker.handover.announcing import house_words, nobody_took, place_in_line, stand_in
from worker.handover.hold import Waited
from worker.testing.text_call import paper_service


def test_who_stands_in_is_announced_with_why(tmp_path: Path) -> None:
    assert stand_in(paper_service(tmp_path), "escalation", missed="billing") == (
        "I'm sorry, our billing specialist can't take your call right now."
        " I'm connecting you with our customer care lead instead. One moment please."
    )


@pytest.mark.parametrize(("position", "words"), [(0, ""), (1, "You're next in line."), (2, "You're number 2 in line.")])
def test_a_position_is_said_as_people_say_it(tmp_path: Path, position: int, words: str) -> None:
    assert place_in_line(paper_service(tmp_path), position) == words


def test_a_service_may_say_it_in_its_own_words(tmp_path: Path) -> None:
    service = paper_service(tmp_path, position="There are {position} of you.")
    assert place_in_line(service, 3) == "There are 3 of you."


@pytest.mark.parametrize("name", ["stand_in", "once_more", "hold", "position", "position_next", "hold_noted"])
def test_each_of_the_houses_sentences_is_there_and_has_no_hole(tmp_path: Path, name: str) -> None:
    values = {"specialist": "billing specialist", "missed": "front desk", "place": "You're next.", "position": "2"}
    words = house_words(paper_service(tmp_path), name, **values)
    assert words
    assert "{" not in words


@pytest.mark.parametrize(
    ("waited", "told"),
    [
        (Waited.TIMED_OUT, "nobody became free"),
        (Waited.NO_LONGER, "does not want to wait"),
        (Waited.CALLBACK, "asked to be called back"),
        (Waited.GONE, "could not be reached any more"),
    ],
)
def test_the_brain_is_told_how_the_wait_ended_and_what_was_said_meanwhile(waited: Waited, told: str) -> None:
    words = nobody_took("billing", "at_capacity", meanwhile="My account is AC4721.", waited=waited)
    assert words.startswith("Nobody took the call: billing at_capacity.")
    assert told in words
    assert words.endswith("Meanwhile the caller said: My account is AC4721.")


def test_who_did_not_wait_is_not_said_to_have() -> None:
    assert "wait" not in nobody_took("billing", "unreachable", meanwhile="")
