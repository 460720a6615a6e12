"""Metrics by name, wherever they are taken: a main process keeps them, a job sends its own there (relay.py).

``into`` says once per process where they go; before that they go nowhere. Names and labels are the catalog's: a value that a label does
not have there becomes "other", so that no label grows without bound and no caller's word becomes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from telemetry.catalog import METRICS

_NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Sink(Protocol):
    """What takes observations. It must not block and must not raise for a reason of its own."""

    def take(self, name: str, value: float, labels: Mapping[str, str], call_id: str) -> None:
        """One observation; ``call_id``, when there is one, becomes the exemplar's trace id."""
        ...


class _Nowhere:
    def take(self, name: str, value: float, labels: Mapping[str, str], call_id: str) -> None:
        return None


_sink: Sink = _Nowhere()
_service = ""


def into(sink: Sink | None, *, service: str = "") -> None:
    """Where this process's observations go from now on; nowhere for None. ``service`` is the label of that name wherever it is left out."""
    global _sink, _service
    _sink, _service = sink or _Nowhere(), service


def count(name: str, labels: Mapping[str, str] = _NO_LABELS, *, call_id: str = "", by: float = 1) -> None:
    """One more (or ``by`` more) of a counter."""
    _sink.take(name, by, _with_service(name, labels), call_id)


def observe(name: str, value: float, labels: Mapping[str, str] = _NO_LABELS, *, call_id: str = "") -> None:
    """One observation of a histogram, in the unit of its name."""
    _sink.take(name, value, _with_service(name, labels), call_id)


def level(name: str, value: float, labels: Mapping[str, str] = _NO_LABELS) -> None:
    """What a gauge shows from now on."""
    _sink.take(name, value, _with_service(name, labels), "")


def _with_service(name: str, labels: Mapping[str, str]) -> Mapping[str, str]:
    is_wanted = _service and name in METRICS and "service" in METRICS[name].labels and "service" not in labels
    return {**labels, "service": _service} if is_wanted else labels
