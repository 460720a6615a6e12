"""The page: everything in it, nothing from outside, no words taken for markup."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import soundfile

from local.report import Note, build_report, render_page
from local.report.picture import lane
from local.tests.made_calls import CALL, handoff, recording
from local.tests.voices import track, voice

VOID = {"meta", "input", "br", "link", "path"}


class Reader(HTMLParser):
    """Collects tags and ids, and checks that every tag is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page(failures=(), notes=(), title="Charged twice", **changed):
    rec = recording(**changed)
    report = build_report(rec, CALL, [handoff()], versions={"livekit-server": "1.13.5"})
    return render_page(report, rec, title=title, failures=failures, notes=notes)


def read(text):
    reader = Reader()
    reader.feed(text)
    return reader


def test_the_page_is_well_formed_and_has_no_id_twice():
    reader = read(page())
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))


def test_nothing_is_loaded_from_anywhere():
    text = page()
    assert not re.search(r"https?://", text)
    assert all(
        value.startswith(("data:", "#"))
        for _, attributes in read(text).tags
        for name, value in attributes.items()
        if name in {"src", "href"} and value
    )
    assert "default-src 'none'" in text


def test_both_recordings_are_in_it_and_can_be_played():
    sources = [a["src"] for tag, a in read(page()).tags if tag == "audio"]
    assert len(sources) == 2
    for source in sources:
        head, _, body = source.partition(",")
        assert head == "data:audio/flac;base64"
        assert soundfile.info(io.BytesIO(base64.b64decode(body))).duration == pytest.approx(12.0, abs=0.01)


def test_what_was_said_the_handoff_and_what_came_of_it_can_be_read():
    text = " ".join(" ".join(read(page()).text).split())
    for words in (
        "Charged twice",
        "resolved",
        "triage",
        "I was charged twice.",
        "What is your account ID?",
        "140 ms",
        "overlap 0 ms",
        "accepted",
        "AC4721",
        "process_refund RF-20417 49.99",
        "livekit-server",
        "all met",
    ):
        assert words in text, words


def test_a_move_to_another_worker_is_told_as_one_and_not_as_a_handoff():
    rec = recording()
    move = replace(handoff(taker_id="billing-m1"), from_service="billing")
    report = build_report(rec, CALL, [handoff(), move], versions={})
    text = " ".join(" ".join(read(render_page(report, rec, title="", failures=(), notes=())).text).split())
    assert "a move to another worker of the service" in text
    assert text.count("handed over to billing") == 1


def test_what_was_not_as_expected_stands_at_the_top():
    text = page(failures=["a listener did not hear /goodbye/"])
    assert "1 not met" in text
    assert text.index("a listener did not hear") < text.index('class="player"')


def test_a_listener_s_notes_are_in_it():
    assert "How can I help" in page(notes=[Note("triage", "How can I help", 0, 1)])


def test_words_are_never_markup():
    text = page(title="<script>alert(1)</script>", failures=['<img src=x onerror="y">'])
    assert "<script>alert" not in text
    assert "<img" not in text


def test_every_control_has_a_name():
    for tag, attributes in read(page()).tags:
        if tag == "input" and attributes.get("type") == "range":
            assert attributes["aria-label"]
        if tag == "svg":
            assert attributes["aria-label"]


def test_a_call_in_which_nobody_spoke_still_makes_a_page():
    silent = {"said": track(1.0), "agents": {}, "spoken": (), "captions": ()}
    assert read(page(**silent)).open == []


def test_a_call_that_was_never_answered_makes_a_page_too():
    rec = recording(said=track(0.0), agents={}, spoken=(), captions=())
    report = build_report(rec, None, [], versions={})
    assert read(render_page(report, rec, title="Nobody")).open == []


def test_each_speaker_has_a_colour_of_its_own():
    drawn = lane({"who-0": track(2.0, (0.2, voice(0.5))), "who-1": track(2.0, (1.0, voice(0.5)))}, label="ear")
    assert re.findall(r'class="wave (\S+)" d="M', drawn) == ["who-0", "who-1"]


def test_a_wave_is_drawn_where_its_sound_is():
    drawn = lane({"who-0": track(10.0, (5.0, voice(1.0)))}, label="ear")
    width = float(re.search(r'viewBox="0 0 (\d+)', drawn)[1])
    start = float(re.search(r'wave who-0" d="M(\d+)', drawn)[1])
    assert start / width == pytest.approx(0.5, abs=0.002)


def test_silence_draws_nothing():
    assert 'd=""' in lane({"who-0": track(2.0)}, label="ear")
