"""The callers that come with the mesh can all be played, and are found by name."""

from __future__ import annotations

from pathlib import Path

from handoff.directory import DIRECTORY

from local.caller import load_script
from local.caller.shipped import FOLDER, find, shipped, table
from local.demo import specialists


def test_every_shipped_caller_can_be_played_and_has_a_title_of_its_own():
    titles = [script.title for script in shipped()]
    assert len(titles) == len(set(titles)) >= 7


def test_a_shipped_caller_is_found_by_its_name():
    assert find(Path("mumbled")) == find(Path("mumbled.yaml")) == FOLDER / "mumbled.yaml"


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path):
    own = tmp_path / "mumbled.yaml"
    own.write_text("")
    assert find(own) == own
    assert find(Path("nobody.yaml")) == Path("nobody.yaml")


def test_the_list_names_each_with_the_way_it_takes():
    assert "duplicate_charge" in table()
    assert "triage → billing" in table()


def on_duty(name: str) -> tuple[str, ...]:
    return specialists(load_script(find(Path(name))))


def test_those_are_on_duty_whom_the_call_may_need_and_who_stands_in_for_them():
    assert on_duty("duplicate_charge") == ("triage", "billing", "escalation")
    assert on_duty("whole_house") == ("triage", "billing", "technical", "escalation")


def test_the_front_desk_is_always_on_duty():
    assert all(on_duty(script.path.name)[0] == "triage" for script in shipped())


def test_a_caller_who_expects_nobody_finds_everybody_on_duty(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("title: anybody\nchannel: web\nvoice: heart\nlines:\n  - say: Hello.\n    after: 1 s\n")
    assert specialists(load_script(own)) == tuple(DIRECTORY)
