"""Sentences around a transfer: spoken and noted in the call's record, but no part of the brain's conversation."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from worker.service import Service

_HOLE = re.compile(r"\\\{\w+\\\}")
_WHOLE_SENTENCE = re.compile(r"^\{\w+\}(?: (?=[A-Z])|$)")
"""A placeholder for a sentence of its own."""
_SENTENCE = re.compile(r"(?<=[.?!])\s+")


def is_aside(service: Service, text: str) -> bool:
    """Whether an agent of ``service`` says this, all of it, only while a transfer is under way."""
    sentences = _SENTENCE.split(text.strip())
    return bool(text.strip()) and all(any(p.fullmatch(s) for p in _patterns(service)) for s in sentences)


@lru_cache(maxsize=8)
def _patterns(service: Service) -> tuple[re.Pattern[str], ...]:
    """Every sentence of the announcements, its holes open for anything."""
    house = [file for file in (files("worker.handover") / "announcements").iterdir() if file.name.endswith(".md")]
    own = service.folder / "prompts" / "announcement.md"
    texts = [file.read_text(encoding="utf-8") for file in [*house, own] if file.is_file()]
    sentences = {_WHOLE_SENTENCE.sub("", s) for text in texts for s in _SENTENCE.split(" ".join(text.split()))}
    return tuple(re.compile(_HOLE.sub(".+", re.escape(s)), re.IGNORECASE) for s in sorted(sentences) if s)
