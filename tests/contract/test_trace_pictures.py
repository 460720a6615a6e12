"""`python -m tools.trace` draws what a collector wrote: a call with two handoffs, in which one agent was killed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tools.trace import page, text
from tools.trace.__main__ import main
from tools.trace.read import Unreadable, load

TRACE = "ab" * 16
NUMBER = iter(range(1, 10_000))


def span(name: str, start: float, end: float, parent: dict[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
    links = [{"traceId": TRACE, "spanId": more.pop("after")["spanId"]}] if "after" in more else []
    status = {"status": {"code": 2, "message": more.pop("error")}} if "error" in more else {}
    return {
        "traceId": TRACE,
        "spanId": f"{next(NUMBER):016x}",
        "parentSpanId": parent["spanId"] if parent else "",
        "name": name,
        "startTimeUnixNano": str(int((1_000 + start) * 1e9)),
        "endTimeUnixNano": str(int((1_000 + end) * 1e9)),
        "attributes": [{"key": f"voicemesh.{key}", "value": spelled(value)} for key, value in more.items()],
        "links": links,
        **status,
    }


def spelled(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def line(service: str, *spans: dict[str, Any]) -> str:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    call = span("call", 0, 60, call_id="call-7", ending="resolved", channel="web")
    triage = span("agent", 1, 15, call, service="triage", how="greeting")
    first = span("handoff", 10, 14, triage, to="billing", outcome="moved", gap_ms=180)
    offer = span("handoff.offer", 10, 10.1, first)
    answer = span("handoff.answer", 10.02, 10.08, offer, outcome="accepted")
    lost = span("agent", 11, 30, call, service="billing", how="handoff", error="lost")
    tool = span("tool", 20, 20.5, lost, tool="get_account")
    office = span("mcp.tool", 20.1, 20.4, tool, tool="get_account", refused=True)
    successor = span("agent", 30.4, 50, call, service="billing", how="resume", after=lost)
    second = span("handoff", 44, 49, successor, to="technical", outcome="moved", gap_ms=240)
    technical = span("agent", 45, 60, call, service="technical", how="handoff")
    lines = [
        line("gateway", span("gateway.token", 0, 0, call, outcome="given")),
        line("billing-mcp", office),
        line("billing", answer, lost, tool, successor, second),
        line("triage", triage, first, offer),
        line("technical", technical, span("recovery", 30, 30.4, call, detector="parent")),
        line("ledger", call),
    ]
    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_a_terminal_shows_who_did_what_under_whom_and_when(file: Path) -> None:
    (trace,) = load(file).values()
    told = text.drawn(trace)
    assert told.startswith("call-7: resolved, 60.0 s, 2 of 2 handoffs moved it, 1 agent lost\n")
    lines = {found[1]: one for one in told.splitlines() if (found := re.search(r"s  [\w-]+ +(\S.*?) +\|", one))}
    assert list(lines)[:3] == ["call resolved", "gateway.token given", "agent greeting"]
    assert "   10.00   4.00 s  triage" in lines["handoff → billing moved gap 180 ms"]
    assert re.search(r"billing-mcp +mcp.tool get_account refused", lines["mcp.tool get_account refused"])
    assert "xxxxxx" in lines["agent handoff LOST"]
    assert lines["agent resume"].endswith("after billing's of 11.00 s")
    indents = {name: told.split(name)[0].rsplit("\n", 1)[-1] for name in ("handoff → billing", "handoff.offer")}
    assert len(indents["handoff.offer"]) == len(indents["handoff → billing"]) + 2
    assert "tool" not in text.drawn(trace, brief=True)


def test_a_page_is_one_file_with_a_picture_of_the_call_and_one_of_each_handoff(file: Path) -> None:
    (trace,) = load(file).values()
    drawn = page.drawn(trace)
    assert not re.search(r"(src|href)=|url\((?!#)|@import", drawn), "it fetches nothing"
    pictures = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", drawn, re.DOTALL)]
    assert [svg.attrib["aria-label"] for svg in pictures] == [
        "The call",
        "handoff → billing moved gap 180 ms, at 10.00 s",
    ]
    whole, handoff = pictures
    kinds = [one.attrib.get("class", "") for one in whole.iter()]
    assert (kinds.count("lost"), kinds.count("link"), kinds.count("gap")) == (1, 1, 2)
    bars = {one.attrib["class"] for one in whole.iter("g")}
    assert bars == {"row s0", "row s1", "row s2", "row s5", "row s6"}, "each service has its colour"
    assert sum(one.tag == "g" for one in handoff.iter()) == 3


def test_an_agent_that_was_thought_dead_and_was_not_is_what_it_says_itself(tmp_path: Path) -> None:
    itself = span("agent", 1, 15, service="billing", outcome="handed_over")
    found_dead = span("agent", 9, 9, service="billing", error="lost") | {"spanId": itself["spanId"]}
    path = tmp_path / "spans.jsonl"
    for lines in ((found_dead, itself), (itself, found_dead)):
        path.write_text("\n".join(line("billing", one) for one in lines))
        (trace,) = load(path).values()
        assert [(one.error, one.end - one.start) for one in trace.spans] == [("", 14.0)]


def test_what_stands_in_a_span_is_text_on_the_page(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(line("<script>", span("<img src=x>", 0, 1, outcome="<b>")))
    (trace,) = load(path).values()
    drawn = page.drawn(trace)
    assert "<script" not in drawn and "<img" not in drawn and "<b>" not in drawn


def test_a_call_that_goes_on_has_no_root_and_is_drawn_all_the_same(tmp_path: Path) -> None:
    root = span("call", 0, 60, call_id="call-7")
    path = tmp_path / "spans.jsonl"
    path.write_text(line("triage", span("agent", 1, 15, root, call_id="call-7")))
    (trace,) = load(path).values()
    assert "not ended yet" in text.drawn(trace)
    assert "agent" in page.drawn(trace)


def test_the_command_lists_draws_and_says_what_it_has_not(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(file)]) == 0
    assert f"{TRACE}  call-7" in capsys.readouterr().out
    for call in ("call-7", TRACE, "last"):
        assert main([str(file), "--call", call]) == 0
        assert "handoff.offer" in capsys.readouterr().out
    made = file.with_suffix(".html")
    assert main([str(file), "--call", "last", "--html", str(made)]) == 0
    assert made.read_text().startswith("<!doctype html>")
    assert main([str(file), "--call", "call-8"]) == 1
    assert "call-8" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[]", "7", '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}'])
def test_a_file_that_is_no_collectors_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(content)
    with pytest.raises(Unreadable, match=r"spans\.jsonl:1 "):
        load(path)
    assert main([str(path)]) == 2
    assert main([str(tmp_path / "missing")]) == 2
