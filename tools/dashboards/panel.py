"""What a dashboard is made of, before it is Grafana's or a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

GOOD, WARN, BAD, CALM, DIM = "#73bf69", "#f2cc0c", "#f2495c", "#5794f2", "#8e8e99"
"""Green is well, yellow is to be looked at, red is a caller's harm; blue says nothing of good or bad."""
SERIES = ("#5794f2", "#ff9830", "#b877d9", "#73bf69", "#f2cc0c", "#37b5b6", "#ff7383", "#c0d8ff", "#a16eff", "#8e8e99")
"""Of lines that have no colour of their own."""
OF_WORDS: Mapping[str, str] = {
    "triage": "#5794f2",
    "billing": "#ff9830",
    "technical": "#37b5b6",
    "sales": "#b877d9",
    "escalation": "#ff7383",
    "resolved": GOOD,
    "moved": GOOD,
    "ok": GOOD,
    "taken": GOOD,
    "rising": GOOD,
    "greeting": CALM,
    "handoff": GOOD,
    "transferred_to_human": CALM,
    "callback_booked": WARN,
    "caller_hung_up": DIM,
    "caller_left": DIM,
    "refused": DIM,
    "steady": DIM,
    "accepted": GOOD,
    "at_capacity": CALM,
    "draining": "#a16eff",
    "hop_limit": "#c0d8ff",
    "not_ready": WARN,
    "unreachable": "#ff9830",
    "relaunched": WARN,
    "dispatched": "#ff9830",
    "caller_gone": DIM,
    "overtaken": DIM,
    "nobody_took_it": BAD,
    "given_up": "#c4162a",
    "full": BAD,
    "failed": BAD,
    "error": BAD,
    "lost": BAD,
    "silent": "#c4162a",
    "timeout": "#ff7383",
    "falling": BAD,
    "gave_up": BAD,
    "stayed": BAD,
    "resume": BAD,
    "objective": BAD,
}
"""The same thing has the same colour on every page."""


class Kind(Enum):
    """How a panel looks."""

    STAT = "stat"
    LINES = "lines"
    STACK = "stack"
    BARS = "bars"
    TABLE = "table"
    TEXT = "text"
    TRACES = "traces"
    """Of one call, from where traces are kept; only Grafana can show them."""


class Unit(Enum):
    """What a number counts. ``SHARE`` is 0 to 1."""

    NUMBER = "short"
    SECONDS = "s"
    SHARE = "percentunit"
    TIMES = "x"


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus. ``legend``: Grafana's form, ``{{service}}``."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """``width`` of the 24 that a row has; ``limits``: from this number on that colour, the first one from the beginning; ``line``: a bound
    that is drawn; ``help`` says what is normal and what to do."""

    title: str
    kind: Kind
    queries: tuple[Query, ...] = ()
    unit: Unit = Unit.NUMBER
    width: int = 8
    height: int = 7
    help: str = ""
    limits: tuple[tuple[float, str], ...] = ()
    line: float | None = None
    most: float | None = None
    empty: str = ""
    """What it says when there is nothing: for most panels that is good news."""
    columns: tuple[str, ...] = ()
    """Of a table: labels, in their order; the number is the last one."""
    has_exemplars: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """What a reader chooses at the top. With a ``query`` its values are Prometheus's; with ``values`` they are these; with neither he types."""

    name: str
    label: str
    query: str = ""
    values: tuple[str, ...] = ()
    default: str = ""


NAMESPACE = Variable(
    "namespace", "mesh (namespace)", query="label_values(voicemesh_worker_info, namespace)", default=".*"
)
SERVICES = ("triage", "billing", "technical", "sales", "escalation")
NS = 'namespace=~"$namespace"'


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page. ``name``: its file, and the end of its address."""

    name: str
    title: str
    help: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = field(default=(NAMESPACE,))

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Of all rows."""
        return tuple(panel for row in self.rows for panel in row.panels)


def quantile(share: float, metric: str, matchers: str, by: str = "") -> str:
    """Of a histogram, over as long as a reader's zoom asks for; empty where nothing was observed."""
    of = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({of}) (rate({metric}_bucket{{{matchers}}}[$__rate_interval])))"
