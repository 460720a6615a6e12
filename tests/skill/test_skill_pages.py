"""The skill keeps the public format of skills, and what its pages name is there: links, files, commands, variables, metrics, figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from handoff.context import NEVER_CROSSES
from handoff.directory import DIRECTORY
from telemetry.catalog import METRICS

from tests.skill import commands
from tests.skill.fences import (
    ROOT,
    SKILL,
    WITH_LIVEKIT,
    all_fences,
    code_words,
    fences,
    front_matter,
    links,
    pages,
    prose,
)

KINDS = frozenset({"python", "bash", "yaml", "promql", "text"})
"""Of blocks. All are run or read by somebody but ``text``, which holds drawings."""
ALLOWED_KEYS = frozenset({"name", "description", "license", "compatibility", "metadata", "allowed-tools"})
MAX_LINES, MAX_REFERENCE_LINES = 300, 400
_TOP_FOLDERS = ("bench", "charts", "docs", "libs", "local", "proto", "services", "skills", "tests", "tools", "gateway")
_UNDER = {"worker/": "libs/worker", "handoff/": "libs/handoff", "backoffice/": "libs/backoffice"}
"""Modules are named as they are imported."""
_VARIABLE = re.compile(r"\b(?:VOICEMESH|BILLING|SALES|ESCALATION|TECHNICAL)_[A-Z_]+\b")
_METRIC = re.compile(r"\bvoicemesh_[a-z_]+\b")
PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)


# --- the format -----------------------------------------------------------------------------------------------------------
def test_the_front_matter_is_what_readers_of_skills_expect() -> None:
    head = front_matter()
    assert head.keys() <= ALLOWED_KEYS
    assert head["name"] == SKILL.name
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", head["name"]) and len(head["name"]) <= 64
    assert 0 < len(head["description"]) <= 1024
    assert "Use when" in head["description"], "what it does, and when to use it"
    assert 0 < len(head["compatibility"]) <= 500
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in head["metadata"].items())


@PAGES
def test_pages_are_short_and_say_what_is_in_them(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    is_first = page.name == "SKILL.md"
    assert len(lines) <= (MAX_LINES if is_first else MAX_REFERENCE_LINES)
    if not is_first:
        assert any(line.startswith("Contents: ") for line in lines[:4])


def test_references_lie_one_level_deep_and_the_first_page_leads_to_each() -> None:
    found = [path for path in SKILL.rglob("*") if path.is_file()]
    assert {path.parent for path in found} == {SKILL, SKILL / "references"}
    led_to = {to.partition("#")[0] for _, to in links(SKILL / "SKILL.md")}
    assert {f"references/{path.name}" for path in pages()[1:]} == {to for to in led_to if to}


@PAGES
def test_every_block_is_of_a_kind_that_somebody_runs_or_reads(page: Path) -> None:
    assert [f"{one.name}: {one.kind or 'no kind'}" for one in fences(page) if one.kind not in KINDS] == []
    assert [f"{page.name}:{at}" for at, line in prose(page) if re.match(r"(?: {4,}|\t)\S", line)] == [], (
        "no block by indents"
    )


def test_drawings_hold_no_commands() -> None:
    words = {words[0] for one in all_fences("text") for words in commands.simple_commands(one.text)}
    assert not words & (commands.PROGRAMS - {"test"})


def test_a_block_that_is_not_run_says_why() -> None:
    assert all(len(one.reason) > 10 for one in all_fences() if one.text.startswith("# Not run"))
    assert all("LIVEKIT_URL" in one.text for one in all_fences("python") if one.text.startswith(WITH_LIVEKIT))
    assert [one.name for one in all_fences("python", "yaml", "promql") if one.reason] == [], (
        "only commands may be left out"
    )


# --- what is named is there ------------------------------------------------------------------------------------------------
@PAGES
def test_links_lead_somewhere(page: Path) -> None:
    assert [f"{page.name}:{at}: {to}" for at, to in links(page) if not _leads(page, to)] == []


def _leads(page: Path, to: str) -> bool:
    if to.startswith(("https://", "http://")):
        return True
    path, _, anchor = to.partition("#")
    goal = (page.parent / path).resolve() if path else page
    return goal.is_file() and (not anchor or anchor in _anchors(goal))


@cache
def _anchors(page: Path) -> frozenset[str]:
    heads = [line.lstrip("#").strip() for _, line in prose(page) if line.startswith("#")]
    return frozenset(re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads)


@PAGES
def test_files_and_folders_exist(page: Path) -> None:
    named = [(at, word) for at, word in code_words(page) if re.fullmatch(r"[\w.-]+(?:/[\w.@-]+)+/?", word)]
    assert [f"{page.name}:{at}: {word}" for at, word in named if not _exists(word)] == []


def _exists(word: str) -> bool:
    if word.startswith(tuple(f"{folder}/" for folder in _TOP_FOLDERS)):
        return (ROOT / word).exists()
    for prefix, folder in _UNDER.items():
        if word.startswith(prefix):
            return (ROOT / folder / word).exists()
    # Of each service; a path of HTTP, a type, or an annotation of Kubernetes begins otherwise.
    return not word.startswith("prompts/") or all((ROOT / "services" / s / s / word).exists() for s in DIRECTORY)


@PAGES
def test_commands_in_the_prose_are_there(page: Path) -> None:
    said = [
        f"{page.name}:{at}: {wrong}"
        for at, word in code_words(page)
        if word.split()[0] in commands.PROGRAMS
        for command in commands.simple_commands(word)
        for wrong in commands.complaints(command)
    ]
    assert said == []


@PAGES
def test_variables_exist_and_have_the_defaults_that_are_told(page: Path) -> None:
    text, example = page.read_text(encoding="utf-8"), (ROOT / ".env.example").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"^#? ?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert sorted(set(_VARIABLE.findall(text)) - defaults.keys()) == []
    told = re.findall(r"`([A-Z_]+)` \(([\d.]+)\)", text)
    assert [f"{name} is {defaults[name]}" for name, value in told if float(defaults[name]) != float(value)] == []


@PAGES
def test_metrics_are_those_of_the_catalog(page: Path) -> None:
    assert sorted(set(_METRIC.findall(page.read_text(encoding="utf-8"))) - METRICS.keys()) == []


def test_the_table_of_metrics_has_their_labels() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for _, line in prose(SKILL / "references/diagnosis.md")
    ]
    told = {name: row[1] for row in rows if len(row) == 3 for name in _METRIC.findall(row[0])}
    assert len(told) > 20
    wrong = [
        name for name, labels in told.items() if [*METRICS[name].labels] != [one for one in labels.split(", ") if one]
    ]
    assert wrong == []


def test_the_values_of_labels_are_those_of_the_catalog() -> None:
    rows = [line.strip("|").split("|") for _, line in prose(SKILL / "references/diagnosis.md")]
    first = next(at for at, row in enumerate(rows) if [cell.strip() for cell in row] == ["label", "values"])
    told = {word for row in rows[first + 2 :] if len(row) == 2 for word in re.findall(r"`(\w+)`", row[1])}
    mine = set(METRICS) - {"voicemesh_ledger_deleted_total", "voicemesh_worker_info", "voicemesh_handoffs_total"}
    known = {value for name in mine for values in METRICS[name].labels.values() for value in values}
    assert told - {"moved"} == known - {"moved"}


def test_every_way_in_which_a_handoff_can_fail_is_explained() -> None:
    explained: set[str] = set()
    for _, line in prose(SKILL / "references/diagnosis.md"):
        cells = line.strip("|").split("|")
        if len(cells) == 5:
            explained |= set(re.findall(r"`(\w+)`", cells[0]))
    assert set(METRICS["voicemesh_handoffs_total"].labels["outcome"]) - {"moved"} <= explained


def test_the_alerts_are_those_that_the_chart_ships() -> None:
    rules = list((ROOT / "charts" / "rules").glob("*.yaml"))
    if not rules:
        pytest.skip("the chart has no rules yet")
    shipped = set(re.findall(r"alert: *(\w+)", "\n".join(path.read_text(encoding="utf-8") for path in rules)))
    told = set(re.findall(r"\bVoiceMesh[A-Z]\w+", "\n".join(page.read_text(encoding="utf-8") for page in pages())))
    assert told == shipped


# --- figures stand in their sources ----------------------------------------------------------------------------------------
def _measured_rows() -> Iterator[tuple[str, str, list[str]]]:
    """Rows of tables whose last cell is a file of results: where, the file, the figures."""
    for page in pages():
        for at, line in prose(page):
            *cells, source = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) > 1 and re.fullmatch(r"`bench/results/[\w.-]+`", source):
                figures = [figure for cell in cells[1:] for figure in re.findall(r"\d+(?:\.\d+)?", cell)]
                yield f"{page.name}:{at}", source.strip("`"), figures


ROWS = list(_measured_rows())


def test_there_are_measured_rows() -> None:
    assert len(ROWS) > 15


@pytest.mark.parametrize(("where", "source", "figures"), ROWS, ids=[row[0] for row in ROWS])
def test_a_measured_figure_stands_in_its_source(where: str, source: str, figures: list[str]) -> None:
    assert figures, "a row of figures has none"
    text = (ROOT / source).read_text(encoding="utf-8")
    assert [one for one in figures if not re.search(rf"(?<![\d.]){re.escape(one)}(?![\d.]*\d)", text)] == []


# --- what crosses is the directory's ----------------------------------------------------------------------------------------
def test_the_table_of_what_crosses_is_the_directorys() -> None:
    facts = frozenset().union(*(entry.receives for entry in DIRECTORY.values())) | NEVER_CROSSES
    told: dict[str, tuple[str, str]] = {}
    for _, line in prose(SKILL / "references" / "handoff.md"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] in DIRECTORY:
            told[cells[0]] = cells[1], cells[2]
    assert told.keys() == DIRECTORY.keys()
    for name in ("billing", "technical", "sales"):
        preserved, excluded = (frozenset(re.findall(r"`(\w+)`", cell)) for cell in told[name])
        assert preserved == DIRECTORY[name].receives
        assert excluded == facts - preserved
    assert frozenset(re.findall(r"`(\w+)`", told["triage"][0])) == DIRECTORY["triage"].receives
    assert DIRECTORY["escalation"].receives == facts - NEVER_CROSSES  # "all of the above"
