"""A trace for a terminal: one line for each span, its bar beside it."""

from __future__ import annotations

from tools.trace import words
from tools.trace.read import Span, Trace

_WIDTH = 40
_NAME = 52


def drawn(trace: Trace, *, brief: bool = False) -> str:
    """``brief`` leaves out turns and tools."""
    begin, length = trace.start, max(trace.end - trace.start, 1e-9)
    rows = [(d, s) for d, s in trace.rows() if not (brief and s.name in ("turn", "tool", "mcp.tool"))]
    services = max(len(span.service) for _, span in rows)
    head = f"{trace.call_id or 'a trace'}: {words.of_trace(trace)}\ntrace {trace.spans[0].trace_id}\n"
    lines = []
    for depth, span in rows:
        name = ("  " * depth + words.of_span(span))[:_NAME]
        at, took = f"{span.start - begin:8.2f}", words.seconds(span.end - span.start)
        lines.append(
            f"{at} {took:>8}  {span.service:<{services}}  {name:<{_NAME}} |{_bar(span, begin, length)}|{_after(trace, span)}"
        )
    return "\n".join([head, f"{'at s':>8} {'took':>8}", *lines])


def _bar(span: Span, begin: float, length: float) -> str:
    first = min(_WIDTH - 1, int((span.start - begin) / length * _WIDTH))
    last = max(first + 1, min(_WIDTH, round((span.end - begin) / length * _WIDTH)))
    sign = "x" if span.is_lost else "!" if span.error else "="
    return " " * first + sign * (last - first) + " " * (_WIDTH - last)


def _after(trace: Trace, span: Span) -> str:
    """Whom it takes the call over from, when that one was lost."""
    before = [trace.by_id[link] for link in span.links if link in trace.by_id]
    return "".join(f" after {one.service}'s of {one.start - trace.start:.2f} s" for one in before)
