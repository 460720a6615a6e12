"""The callers that ship with the mesh, each with what its own script expects of the call."""

from __future__ import annotations

import json

import pytest

from tests.e2e.demos import SHIPPED, Demos


@pytest.mark.parametrize("name", [name for name, _ in SHIPPED])
def test_a_shipped_caller_gets_what_it_expects(demos: Demos, name: str) -> None:
    played = demos.played(name)
    print(played.printed)
    assert [line for line in played.printed.splitlines() if "not as expected" in line] == []
    assert played.code == 0
    report = json.loads((played.folder / "report.json").read_text())
    assert [handoff["overlap_ms"] for handoff in report["handoffs"]] == [0] * len(report["handoffs"])
    files = {"caller_heard.wav", "caller_said.wav", "report.json", "report.html"}
    assert files <= {path.name for path in played.folder.iterdir()}
