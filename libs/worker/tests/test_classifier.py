"""The embedded classifier: its files are checked, written and heard text look the same to it, and its readings add up."""

import logging
from pathlib import Path

import numpy as np
import pytest
from worker.understanding import classifier, encoder
from worker.understanding.classifier import LABELS, WEIGHTS, preload, probabilities
from worker.understanding.encoder import Encoder, ModelMissing, ModelProblem
from worker.understanding.wording import clauses, is_bare_answer, pairs_and_words, plain


def test_readings_name_every_label_and_add_up_to_one() -> None:
    likely = probabilities("I was charged twice")
    assert likely is not None
    assert tuple(likely) == LABELS
    assert sum(likely.values()) == pytest.approx(1, abs=1e-5)
    assert max(likely, key=lambda label: likely[label]) == "billing"


def test_written_and_heard_text_are_read_alike() -> None:
    assert probabilities("Um, my INVOICE is wrong!") == probabilities("my invoice is wrong")


def test_sentences_of_one_matter_lie_nearer_than_others() -> None:
    one = Encoder()
    vectors = [one.vector(text) for text in ("my bill is wrong", "there is an error on my invoice", "it rains a lot")]
    assert [round(float(np.linalg.norm(vector)), 3) for vector in vectors] == [1, 1, 1]
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_a_changed_file_is_refused_loudly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"something else")
    monkeypatch.setattr(encoder, "_model_path", lambda: tmp_path / "model.onnx")
    with pytest.raises(ModelProblem, match="not the file that belongs here"):
        Encoder()


def test_weights_for_another_model_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "MODEL_SHA256", "another")
    with pytest.raises(ModelProblem, match="made for another model"):
        classifier.Classifier()


def test_a_missing_package_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def missing() -> None:
        raise ModelMissing("the package is not installed")

    monkeypatch.setattr(classifier, "Encoder", missing)
    classifier._loaded.cache_clear()
    classifier.probabilities.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert preload() is False
            assert probabilities("my invoice") is None
        assert len(caplog.records) == 1
    finally:
        monkeypatch.undo()
        classifier._loaded.cache_clear()
        classifier.probabilities.cache_clear()
    assert preload() is True


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 1_000_000


def test_plain_words_have_no_case_no_stops_and_no_um() -> None:
    assert plain("Um, I’ve — uh — paid TWICE!") == "i've paid twice"
    assert pairs_and_words("charged me twice") == {"charged", "me", "twice", "charged_me", "me_twice"}


def test_a_text_comes_apart_where_another_matter_may_begin() -> None:
    assert clauses("I was charged twice, and the app crashes. Where are you?") == (
        "I was charged twice",
        "the app crashes",
        "Where are you?",
    )
    assert clauses("my invoice") == ("my invoice",)
    assert clauses("it was $1,200 in total") == ("it was $1,200 in total",)


@pytest.mark.parametrize(
    "said",
    ["", "Yes.", "no thanks", "A C 4721", "nine seven two oh nine", "March the third", "it's account number AC 4721"],
)
def test_a_bare_answer_is_recognised(said: str) -> None:
    assert is_bare_answer(said)


@pytest.mark.parametrize("said", ["billing", "my account", "no internet", "the plans"])
def test_a_word_with_a_matter_is_no_bare_answer(said: str) -> None:
    assert not is_bare_answer(said)
