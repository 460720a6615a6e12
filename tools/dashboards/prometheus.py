"""What a drawing asks of a running Prometheus, by its HTTP API."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SECONDS = 60


class NoAnswer(Exception):
    """Prometheus does not answer, or refuses the question; its words are the exception's."""


@dataclass(frozen=True, slots=True)
class Series:
    """``points``: seconds since the epoch, value; of a single moment there is one."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]

    def named(self, legend: str) -> str:
        """With Grafana's ``{{label}}`` filled in."""
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: self.labels.get(found[1], ""), legend)


@dataclass(frozen=True, slots=True)
class Span:
    """What is drawn: seconds since the epoch, and the distance of two points."""

    start: float
    end: float
    step: float


class Prometheus:
    """Asks; raises NoAnswer."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def over(self, expr: str, span: Span) -> list[Series]:
        """A line for each series."""
        asked = {"query": expr, "start": f"{span.start}", "end": f"{span.end}", "step": f"{span.step}"}
        return self._ask("query_range", asked)

    def at(self, expr: str, moment: float) -> list[Series]:
        """The series of one moment."""
        return self._ask("query", {"query": expr, "time": f"{moment}"})

    def _ask(self, what: str, asked: Mapping[str, str]) -> list[Series]:
        data = urllib.parse.urlencode(asked).encode()
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/{what}", data=data, timeout=_SECONDS) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as refused:
            raise NoAnswer(_words_of(refused.read())) from None
        except (OSError, ValueError) as problem:
            raise NoAnswer(f"{self._url} does not answer: {problem}") from None
        return [series for one in answer["data"]["result"] if (series := _series(one)).points]


def _words_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError):
        return body.decode(errors="replace")[:200]


def _series(one: Mapping[str, Any]) -> Series:
    pairs = one.get("values") or [one["value"]]
    points = ((float(moment), float(value)) for moment, value in pairs)
    return Series(one["metric"], tuple((moment, value) for moment, value in points if value == value))
