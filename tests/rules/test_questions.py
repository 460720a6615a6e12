"""What runbooks and dashboards ask Prometheus is PromQL, and asks only for what the mesh tells of itself."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.rules.test_alerts import ROOT, RUNBOOKS, complaints, promtool
from tools.dashboards import DASHBOARDS

PAGES = (*sorted(RUNBOOKS.glob("*.md")), ROOT / "docs/operations/monitoring.md")
_OF_THE_SHELL = re.compile(r"^\s*(kubectl|helm|make|docker|redis-cli|python|route|inhibit|#|\w+=)")


def in_pages() -> Iterator[tuple[str, str]]:
    """Page, and each line of its blocks that is a question to Prometheus."""
    for page in PAGES:
        for block in re.findall(r"^```\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                asked = line.partition("  #")[0].strip()
                if asked and not _OF_THE_SHELL.match(line):
                    yield page.stem, asked


def in_panels() -> Iterator[tuple[str, str]]:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                asked = (
                    query.expr.replace("$__rate_interval", "5m")
                    .replace("$namespace", ".*")
                    .replace("$service", "billing")
                )
                yield f"{dashboard.name}: {panel.title}", asked


def not_understood(questions: list[str], folder: Path) -> str:
    """Prometheus's own word about them, taken for rules; empty when it understands all."""
    asked = [{"record": f"asked:{number}", "expr": question} for number, question in enumerate(questions)]
    file = folder / "asked.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}))
    done = subprocess.run([promtool(), "check", "rules", file], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_prometheus_understands_every_question(tmp_path: Path) -> None:
    questions = [question for _, question in (*in_pages(), *in_panels())]
    assert len(questions) > 120
    assert not_understood(questions, tmp_path) == ""


def test_one_that_it_does_not_understand_is_noticed(tmp_path: Path) -> None:
    assert "parse error" in not_understood(["sum by service (up)"], tmp_path)


def test_every_question_of_a_page_is_about_what_the_mesh_tells() -> None:
    asked = list(in_pages())
    assert len(asked) > 50
    assert {page for page, _ in asked} >= {page.stem for page in RUNBOOKS.glob("voice-mesh-*.md")}
    assert [found for where, expression in asked for found in complaints(where, expression)] == []
