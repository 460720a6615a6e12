"""Caller scripts: what is read, and how a bad one is told."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from local.caller import ScriptError, load_script

CALLERS = Path(__file__).parents[1] / "callers"

GOOD = """\
title: Charged twice
channel: phone
voice: emma
timeout_seconds: 90
lines:
  - say: "Hi, I was charged twice."
    after: "how can I help"
  - say: Yes
    after: 1.5
    timeout_seconds: 12
  - hang_up: true
    after: connecting
    interrupt: true
expect:
  services: [triage, billing]
  outcome: resolved
  facts: {account_id: AC4721}
  heard: ['49\\.99']
  effects: []
  handoffs_max: 1
  clipped_ms_max: 20
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "caller.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def problems_of(write):
    """Line, what, and what would be right, of each problem."""

    def problems_of(text):
        with pytest.raises(ScriptError) as raised:
            load_script(write(text))
        return [(p.line, p.what, p.right) for p in raised.value.problems]

    return problems_of


def only(problems):
    (problem,) = problems
    return problem


def test_everything_in_a_script_is_read(write):
    script = load_script(write(GOOD))
    assert (script.title, script.channel, script.voice, script.timeout_seconds) == (
        "Charged twice",
        "phone",
        "emma",
        90,
    )
    hello, yes, leave = script.lines
    assert hello.say == "Hi, I was charged twice."
    assert isinstance(hello.after, re.Pattern)
    assert hello.after.search("Hello. HOW CAN I HELP you?")
    assert (yes.say, yes.after, yes.timeout_seconds) == ("Yes", 1.5, 12)
    assert leave.hang_up
    assert leave.interrupt
    assert script.expect.services == ("triage", "billing")
    assert script.expect.facts == {"account_id": "AC4721"}
    assert script.expect.effects == ()
    assert script.expect.handoffs_max == 1
    assert script.expect.clipped_ms_max == 20


def test_what_is_left_out_has_a_sensible_value(write):
    script = load_script(write("lines:\n  - say: Hello\n"))
    assert (script.title, script.channel, script.voice) == ("caller", "web", "heart")
    assert script.lines[0].after is None
    assert script.expect.services is None
    assert script.expect.effects is None


def test_a_line_knows_where_it_stands(write):
    assert [line.at_line for line in load_script(write(GOOD)).lines] == [6, 8, 11]


def test_the_channel_can_be_overridden(write):
    path = write(GOOD)
    assert load_script(path, channel="web").channel == "web"
    with pytest.raises(ValueError, match="pigeon"):
        load_script(path, channel="pigeon")


def test_a_recording_lies_beside_the_script(write, tmp_path):
    soundfile.write(tmp_path / "cough.wav", np.zeros(8000, dtype=np.int16), 8000)
    script = load_script(write("lines:\n  - play: cough.wav\n"))
    assert script.lines[0].play == tmp_path / "cough.wav"
    assert script.lines[0].makes_sound


@pytest.mark.parametrize("written", ['"4721#"', "4721#", "'0123456789*#'", "97209"])
def test_keys_are_read_as_they_stand(write, written):
    (line,) = load_script(write(f"lines:\n  - press: {written}\n")).lines
    assert line.press == written.strip("\"'")
    assert not line.makes_sound


@pytest.mark.parametrize("path", sorted(CALLERS.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_caller_can_be_played_on_both_channels(path):
    for channel in ("web", "phone"):
        script = load_script(path, channel=channel)
        assert script.lines
        assert script.title


def test_a_problem_is_printed_with_file_and_line(write):
    path = write("lines:\n  - sai: Hello\n")
    with pytest.raises(ScriptError) as raised:
        load_script(path)
    assert str(raised.value).startswith(f"{path}:2: ")


def test_all_problems_come_at_once_in_the_order_of_the_file(problems_of):
    found = problems_of("channel: webb\nvoise: heart\nlines:\n  - sai: Hello\nexpect:\n  outcome: solved\n")
    assert [line for line, _, _ in found] == [1, 2, 4, 6]


def test_a_misspelt_key_is_recognised(problems_of):
    line, what, right = only(problems_of("lines:\n  - say: Hello\n    afterr: 1\n"))
    assert line == 3
    assert "afterr" in what
    assert right.startswith("did you mean `after`?")


def test_a_misspelt_channel_is_recognised(problems_of):
    line, what, right = only(problems_of("channel: fone\nlines:\n  - say: Hello\n"))
    assert (line, "fone" in what, "`phone`" in right) == (1, True, True)


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("- say: Hello\n    hang_up: true", "`say` and `hang_up`"),
        ("- after: 1", "none of them"),
        ("- Hello", "'Hello'"),
        ("- say:", "empty"),
        ("- say: [a, b]", "a list"),
        ("- say: Hello\n    interrupt: perhaps", "'perhaps'"),
        ("- say: Hello\n    after: '(open'", "no regular expression"),
        ("- say: Hello\n    after: -3", "'-3'"),
        ("- say: Hello\n    timeout_seconds: soon", "'soon'"),
        ("- say: Hello\n    say: Bye", "stands twice"),
        ("- hang_up: false", "says nothing"),
        ("- play: nowhere.flac", "there is no file"),
        ("- press: 47-21", "no key '-'"),
        ('- press: "47 21"', "no key ' '"),
        ("- press:", "empty"),
        ("- press: #4721", "empty"),
        ("- press: 4721\n    say: Hello", "`say` and `press`"),
        (f"- press: '{'1' * 41}'", "41 keys"),
        ("- say: Hello\n  - hang_up: true\n  - say: Never", "never be spoken"),
        (f"- say: {'word ' * 200}", "characters"),
    ],
)
def test_a_bad_line_is_told_with_what_is_wrong_and_what_would_be_right(problems_of, line, about):
    _, what, right = only(problems_of(f"lines:\n  {line}\n"))
    assert about in what
    assert right


@pytest.mark.parametrize(
    ("expect", "about"),
    [
        ("outcome: solved", "'solved'"),
        ("heard: 49", "`heard` is '49'"),
        ("heard: ['*']", "no regular expression"),
        ("facts: [a]", "`facts` is a list"),
        ("services: triage", "`services` is 'triage'"),
        ("services: [triage, biling]", "'biling'"),
        ("heard: ['a{99999999999}']", "no regular expression"),
        ("handoffs_max: 1.5", "`handoffs_max` is 1.5"),
        ("gap_ms_max: -1", "'-1'"),
        ("herd: [x]", "`herd`"),
    ],
)
def test_a_bad_expectation_is_told(problems_of, expect, about):
    line, what, right = only(problems_of(f"lines:\n  - say: Hello\nexpect:\n  {expect}\n"))
    assert line == 4
    assert about in what
    assert right


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("", "is empty"),
        ("channel: web\n", "has no `lines`"),
        ("lines: []\n", "`lines` is empty"),
        ("lines: Hello\n", "`lines` is 'Hello'"),
        ("- say: Hello\n", "the script is a list"),
        ("lines:\n  - say: 'Hello\n", "is not YAML"),
        ("lines:\n  - say: a: b\n", "is not YAML"),
        ("lines: \x01\n", "is not YAML"),
    ],
)
def test_a_file_that_is_no_script_is_told(problems_of, text, about):
    _, what, right = only(problems_of(text))
    assert about in what
    assert right


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ScriptError, match=r"nobody\.yaml:1: cannot be read"):
        load_script(tmp_path / "nobody.yaml")


def test_a_file_that_is_not_text_is_told(tmp_path):
    path = tmp_path / "caller.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ScriptError, match="UTF-8"):
        load_script(path)


def test_a_recording_that_is_no_audio_is_told(write, tmp_path):
    (tmp_path / "text.wav").write_text("not audio")
    with pytest.raises(ScriptError, match="no audio we can read"):
        load_script(write("lines:\n  - play: text.wav\n"))
