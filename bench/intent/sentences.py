"""The labelled sentences: written by hand, multiplied out of templates, held out for measuring, or anybody's JSON lines."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from worker.understanding.classifier import LABELS

DATA = Path(__file__).parent / "data"
HELD_OUT = DATA / "held_out.jsonl"
"""Never looked at while the classifier, its keywords and its data were made."""
TUNING = DATA / "tuning.jsonl"
"""Never trained on either, but errors on it were looked at: its figures flatter."""
HEARD = DATA / "heard.jsonl"
_SEED = 20
_WITH_A_CARRIER = 0.3
"""Share of the sentences made of patterns that get an opening ("hi um ...") as well."""


class BadData(Exception):
    """A file of sentences cannot be used; the message gives the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What somebody says, and what it is about: one of the classifier's labels."""

    text: str
    label: str


def hand_written() -> list[Sentence]:
    """The training sentences of data/train/LABEL.txt; lines that begin with # are headings."""
    found = []
    for label in LABELS:
        lines = (DATA / "train" / f"{label}.txt").read_text("utf-8").splitlines()
        found += [Sentence(line.strip(), label) for line in lines if line.strip() and not line.startswith("#")]
    return list(dict.fromkeys(found))


def from_templates() -> list[Sentence]:
    """The training sentences that data/templates.yaml makes; the same ones every time."""
    given = yaml.safe_load((DATA / "templates.yaml").read_text("utf-8"))
    draw = random.Random(_SEED)
    made = []
    for label in LABELS:
        for kind, phrases in given["phrases"][label].items():
            for phrase in phrases:
                carriers = draw.sample(given["carriers"][kind], given["draws"][kind])
                made += [Sentence(carrier.replace("{x}", phrase), label) for carrier in carriers]
        patterns = given["made"][label]
        for number in range(given["draws"]["made"]):
            made.append(Sentence(_filled(patterns[number % len(patterns)], given, draw), label))
    return list(dict.fromkeys(made))


def read(path: Path) -> list[Sentence]:
    """A file of {"text": ..., "label": ...} lines. Raises BadData."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            found.append(_sentence(line, f"{path.name}, line {number}"))
    if not found:
        raise BadData(f"{path.name} holds no sentence")
    return found


def _sentence(line: str, where: str) -> Sentence:
    try:
        given = json.loads(line)
        text, label = given["text"], given["label"]
    except (ValueError, TypeError, KeyError):
        raise BadData(f'{where}: expected {{"text": ..., "label": ...}}') from None
    if not isinstance(text, str) or label not in LABELS:
        raise BadData(f"{where}: the label must be one of {', '.join(LABELS)}")
    return Sentence(text, label)


def _filled(pattern: str, given: Mapping[str, Any], draw: random.Random) -> str:
    slots = given["slots"]
    text = " ".join(re.sub(r"\{(\w+)\}", lambda hole: str(draw.choice(slots[hole[1]])), pattern).split())
    if draw.random() < _WITH_A_CARRIER:
        text = str(draw.choice(given["carriers"]["said"])).replace("{x}", text)
    return text
