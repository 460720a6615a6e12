"""Evals as recorded callers: the same lines for local.caller, and databases that begin anew for each call."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from local.caller import load_script
from local.eval.databases import Databases
from local.eval.reader import load
from local.eval.spoken import script_of

TEXT = """
channel: phone
voice: emma
lines:
  - say: Hi, I was charged twice.
    after: help you
  - say: it's AC4721
    while_connecting: true
  - say: mm the
    mumbled: true
  - stay_silent: true
expect: {}
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "a caller.yaml"
    path.write_text(TEXT, "utf-8")
    return script_of(load(path)[0])


def test_the_caller_is_the_same_one(script):
    assert (script.title, script.channel, script.voice) == ("a caller", "phone", "emma")
    first, _, mumbled, silent = script.lines
    assert (first.say, first.at_line, first.interrupt) == ("Hi, I was charged twice.", 5, False)
    assert first.after.search("How can I HELP YOU?")
    assert (mumbled.say, mumbled.play.name) == ("", "mumble.flac")
    assert mumbled.play.is_file()
    assert silent.stay_silent and not silent.makes_sound


def test_what_is_said_over_the_announcement_interrupts_it(script):
    over = script.lines[1]
    assert over.interrupt
    assert over.after.search("I'm connecting you with our billing specialist.")


def test_a_script_is_one_that_the_caller_knows_how_to_play(script):
    shipped = load_script(Path(__file__).parents[1] / "callers" / "mumbled.yaml")
    assert {type(line) for line in script.lines} == {type(line) for line in shipped.lines}


def test_each_call_begins_with_the_databases_as_they_were(tmp_path):
    path = tmp_path / "billing.db"
    with closing(sqlite3.connect(path)) as rows:
        rows.executescript("PRAGMA journal_mode=WAL; CREATE TABLE refunds (reference TEXT PRIMARY KEY);")
    databases = Databases({"billing": path})
    with closing(sqlite3.connect(path)) as server:  # stays connected, as a back office does
        server.execute("INSERT INTO refunds VALUES ('RF-1')")
        server.commit()
        assert databases.changes()["billing"]["refunds"].added == ({"reference": "RF-1"},)
        databases.restore()
        assert databases.changes() == {}
        assert server.execute("SELECT count(*) FROM refunds").fetchone() == (0,)
        server.execute("INSERT INTO refunds VALUES ('RF-1')")
        server.commit()
        assert len(databases.changes()["billing"]["refunds"].added) == 1
