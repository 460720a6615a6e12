"""Prompts are prose in Markdown; ``{name}`` is filled from what is known of the call."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from importlib.resources.abc import Traversable

_SENTENCE_END = re.compile(r"(?<=[.?!]) ")


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def load(folder: Traversable, name: str) -> str:
    """The text of ``prompts/<name>.md``. Raises FileNotFoundError, naming the file, when a service lacks it."""
    path = folder / "prompts" / f"{name}.md"
    if not path.is_file():
        raise FileNotFoundError(f"no prompt {name!r}: expected {path}")
    return path.read_text(encoding="utf-8").strip()


def first_of(folder: Traversable, *names: str) -> str:
    """The first of these prompts that the service has. Raises FileNotFoundError, naming the last, when it has none."""
    return load(folder, next((n for n in names if (folder / "prompts" / f"{n}.md").is_file()), names[-1]))


def spoken(text: str, known: Mapping[str, str]) -> str:
    """A prompt as one spoken line: placeholders filled, sentences with an unknown placeholder dropped.

    "I see you're calling about {topic}." is not said at all when there is no topic: a caller must never hear a hole.
    """
    kept = []
    for sentence in _SENTENCE_END.split(text.replace("\n", " ")):
        wanted = [name for _, name, _, _ in string.Formatter().parse(sentence) if name]
        if all(known.get(name) for name in wanted):
            kept.append(sentence.strip().format_map(_Known(known)))
    line = " ".join(s for s in kept if s).strip()
    return line if not line or line[-1] in ".?!" else line + "."
