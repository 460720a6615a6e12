"""docs/security/threat-model.md tells of each of OWASP's ten a control and a test, and what it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tools.house import ROOT

PAGE = (ROOT / "docs" / "security" / "threat-model.md").read_text()
TEN = {
    "ASI01": "Agent Goal Hijack",
    "ASI02": "Tool Misuse and Exploitation",
    "ASI03": "Identity and Privilege Abuse",
    "ASI04": "Agentic Supply Chain Vulnerabilities",
    "ASI05": "Unexpected Code Execution",
    "ASI06": "Memory & Context Poisoning",
    "ASI07": "Insecure Inter-Agent Communication",
    "ASI08": "Cascading Failures",
    "ASI09": "Human-Agent Trust Exploitation",
    "ASI10": "Rogue Agents",
}
"""OWASP Top 10 for Agentic Applications, version 2026 (December 2025)."""
NAMED_TESTS = sorted(set(re.findall(r"`([\w./-]+\.py)::(\w+)`", PAGE)))
NAMED_FILES = sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.-]+|Dockerfile)`", PAGE)))
CELLS = ("here", "control", "test", "remains")


@cache
def functions(path: str) -> frozenset[str]:
    """The tests of a file, those of its classes too."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def section(risk: str) -> dict[str, str]:
    """The cells of a risk's table, by their names."""
    found = re.search(rf"^### {risk} (?P<title>.+)\n(?P<rows>(?:(?!^##).*\n)+)", PAGE, re.MULTILINE)
    assert found is not None, f"{risk} has no section"
    assert found["title"] == TEN[risk]
    return dict(re.findall(r"^\| (\w+) \| (.+) \|$", found["rows"], re.MULTILINE))


@pytest.mark.parametrize(("path", "name"), NAMED_TESTS, ids="::".join)
def test_a_test_that_it_names_is_there(path: str, name: str) -> None:
    assert (ROOT / path).is_file(), path
    assert name.startswith("test_")
    assert name in functions(path)


@pytest.mark.parametrize("path", NAMED_FILES)
def test_a_file_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("risk", TEN)
def test_each_of_the_ten_has_a_threat_a_control_in_a_file_tests_and_what_remains(risk: str) -> None:
    cells = section(risk)
    assert tuple(cells) == CELLS
    assert all(len(cells[name]) > 40 for name in CELLS)
    assert re.search(r"`[\w./-]+`", cells["control"]), "name the file that holds the control"
    assert len(re.findall(r"::test_\w+`", cells["test"])) >= 2


def test_every_attacker_is_met_by_a_test() -> None:
    table = PAGE.partition("## Who might")[2].partition("## OWASP")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 6
    assert all("::test_" in row for row in rows)


def test_it_names_many_and_says_where_the_ten_come_from() -> None:
    assert len(NAMED_TESTS) > 40 and len(NAMED_FILES) > 20
    assert "https://genai.owasp.org/resource/owasp-top-10-for-agentic-applications-for-2026/" in PAGE
