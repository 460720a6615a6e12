"""The callers that come with the mesh can all be played, and are found by name."""

from __future__ import annotations

from pathlib import Path

from local.caller.shipped import FOLDER, find, shipped, table


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
