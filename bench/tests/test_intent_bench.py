"""The sentences of the intent classifier are sound, and what is counted about them is counted right."""

from pathlib import Path

import pytest
from worker.understanding.classifier import LABELS
from worker.understanding.wording import plain

from bench.intent.measure import Judged, count
from bench.intent.results import page
from bench.intent.sentences import HEARD, HELD_OUT, TUNING, BadData, Sentence, from_templates, hand_written, read


def judged(
    label: str, *intents: str, guess: str = "billing", confidence: float = 0.9, elsewhere: bool = False
) -> Judged:
    return Judged(Sentence("...", label), guess, confidence, intents, elsewhere, 5.0)


def test_no_measured_sentence_is_trained_on() -> None:
    seen = {plain(s.text) for s in hand_written()}
    held = {plain(s.text) for s in read(HELD_OUT) if s.label != "answer"}
    # What stands in both is left out of training (see train.gather); it must stay a rare accident. "Yes" is no accident.
    assert len(held & seen) < 0.02 * len(held)


def test_every_label_has_hundreds_of_sentences_and_none_has_two_labels() -> None:
    labels: dict[str, set[str]] = {}
    for sentence in hand_written():
        labels.setdefault(plain(sentence.text), set()).add(sentence.label)
    assert [text for text, found in labels.items() if len(found) > 1] == []
    assert all(sum(label in found for found in labels.values()) > 300 for label in LABELS)


def test_templates_make_the_same_sentences_every_time_and_leave_no_hole() -> None:
    made = from_templates()
    assert made == from_templates()
    assert not [s.text for s in made if "{" in s.text or "}" in s.text]


def test_the_measured_files_can_be_read() -> None:
    assert len(read(HELD_OUT)) > 300
    assert len(read(TUNING)) > 300
    assert len(read(HEARD)) > 300


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("not json", r'line 1: expected \{"text"'),
        ('{"text": "hello"}', r'line 1: expected \{"text"'),
        ('{"text": "hello", "label": "other"}', "the label must be one of billing"),
        ('{"text": 5, "label": "billing"}', "the label must be"),
        ("", "holds no sentence"),
    ],
)
def test_a_file_that_is_wrong_is_told_by_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(line + "\n", "utf-8")
    with pytest.raises(BadData, match=complaint):
        read(path)


def test_understood_routed_asked_and_refused_are_shares_of_their_own_sentences() -> None:
    figures = count([
        judged("billing", "billing"),
        judged("billing", "technical", guess="technical"),
        judged("billing", guess="billing", confidence=0.3),
        judged("billing", "billing", "sales"),
        judged("out_of_scope", elsewhere=True, confidence=0.1),
        judged("out_of_scope", "billing"),
        judged("answer"),
    ])  # fmt: skip
    assert (figures.in_scope, figures.out_of_scope, figures.answers) == (4, 2, 1)
    assert (figures.understood, figures.routed, figures.asked, figures.misrouted, figures.several) == (
        0.75,
        0.5,
        0.25,
        0.25,
        0.25,
    )
    assert (figures.refused, figures.recognised, figures.refused_at_kept, figures.answers_left_alone) == (
        0.5,
        0.5,
        0.5,
        1,
    )
    assert figures.table[("billing", "asked")] == 1


def test_a_page_says_whether_the_aims_are_met_and_copes_with_one_kind_of_sentence() -> None:
    text = page({"written": count([judged("billing", "billing")])}, title="T", command="c", machine=["M"])
    assert "aim: 95% understood, written: met (100.0%)" in text
    assert "refused while 95 % of in-scope is kept** |  |" in text
    assert "sales" in page({"x": count([judged("out_of_scope", elsewhere=True)])}, title="T", command="c", machine=[])
