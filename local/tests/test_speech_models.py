"""Model files: found, checked, and loud when they are wrong; sentences kept so that they are the same every time."""

from __future__ import annotations

import hashlib
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from local.speech.models import ModelFile, ModelProblem, bytes_of, path_of
from local.speech.synthesis import _Spoken


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package of data, with the files a.bin and b.bin."""
    folder = tmp_path / "some_model_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "a.bin").write_bytes(b"one")
    (folder / "b.bin").write_bytes(b"two")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return folder.name


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_with_the_right_hash_is_given(package: str) -> None:
    file = ModelFile("a model", _sha256(b"one"), ((package, "a.bin"),))
    assert path_of(file).read_bytes() == bytes_of(file) == b"one"


def test_parts_are_joined_in_order_and_checked_as_one(package: str) -> None:
    file = ModelFile("a model", _sha256(b"onetwo"), ((package, "a.bin"), (package, "b.bin")))
    assert bytes_of(file) == b"onetwo"


def test_a_wrong_hash_names_the_file_both_hashes_and_what_to_do(package: str) -> None:
    with pytest.raises(ModelProblem) as problem:
        path_of(ModelFile("a model", _sha256(b"other"), ((package, "a.bin"),)))
    message = str(problem.value)
    for part in ("a model", "a.bin", _sha256(b"other"), _sha256(b"one"), "requirements.lock", "some-model-package"):
        assert part in message


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ModelProblem, match="the package no-such-model is not installed"):
        path_of(ModelFile("a model", "", (("no_such_model", "a.bin"),)))


def test_a_file_that_is_not_in_its_package_is_named(package: str) -> None:
    with pytest.raises(ModelProblem, match=r"c\.bin is not in some_model_package"):
        bytes_of(ModelFile("a model", "", ((package, "c.bin"),)))


def _audio(samples: int = 10) -> np.ndarray:
    return np.zeros(samples, np.int16)


def test_a_sentence_is_made_once() -> None:
    spoken = _Spoken(1000)
    first = spoken.get(("joe", "Hi.", 1.0), _audio)
    assert spoken.get(("joe", "Hi.", 1.0), _audio) is first
    assert spoken.get(("onyx", "Hi.", 1.0), _audio) is not first


def test_two_who_ask_at_once_get_the_same_audio() -> None:
    spoken, entered, go_on = _Spoken(1000), threading.Event(), threading.Event()

    def slowly() -> np.ndarray:
        entered.set()
        go_on.wait(5)
        return _audio()

    got: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: got.append(spoken.get(("joe", "Hi.", 1.0), slowly))) for _ in range(2)]
    threads[0].start()
    entered.wait(5)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert len(got) == 2
    assert got[0] is got[1]


def test_a_failure_is_told_and_not_kept() -> None:
    spoken = _Spoken(1000)

    def fail() -> np.ndarray:
        raise ModelProblem("gone")

    with pytest.raises(ModelProblem):
        spoken.get(("joe", "Hi.", 1.0), fail)
    assert spoken.get(("joe", "Hi.", 1.0), _audio).size == 10


def test_the_oldest_sentences_go_when_there_are_too_many() -> None:
    spoken = _Spoken(50)
    kept = [spoken.get(("joe", f"{n}", 1.0), _audio) for n in range(4)]
    assert spoken.get(("joe", "3", 1.0), _audio) is kept[3]
    assert spoken.get(("joe", "0", 1.0), _audio) is not kept[0]


def test_one_sentence_longer_than_the_whole_store_is_still_said() -> None:
    spoken = _Spoken(5)
    assert spoken.get(("joe", "long", 1.0), _audio).size == 10
