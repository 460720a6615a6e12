"""The operations pages name what exists: checks, targets of make, modules, pages, tests; and each item of the checklist is a command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from telemetry.catalog import METRICS

from tools.doctor.table import CHECKS, ON_KUBERNETES
from tools.house import ROOT

FOLDER = ROOT / "docs" / "operations"
PAGES = ("doctor.md", "readiness.md", "rollback.md", "on-call.md", "capacity.md", "scaling.md")
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(#[^)\s]+)?\)")
NAMES = {check.name for check in (*CHECKS, *ON_KUBERNETES)}
GROUPS = {name.partition(".")[0] for name in NAMES}


def text(page: str) -> str:
    return (FOLDER / page).read_text()


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_check_is_told_of_and_no_other() -> None:
    told = set(re.findall(r"`((?:[a-z0-9]+\.)?[a-z0-9]+)`", text("doctor.md").partition("## What it looks at")[2].partition("## What it cannot")[0]))  # fmt: skip
    assert NAMES - told == set()
    assert {name for name in told if name.partition(".")[0] in GROUPS and "." in name} - NAMES == set()


def test_every_check_says_why_it_exists() -> None:
    assert [check.name for check in (*CHECKS, *ON_KUBERNETES) if len(check.why) < 40] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_check_that_a_page_asks_for_exists(page: str) -> None:
    asked = re.findall(r"\bONLY=([a-z0-9.]+)", text(page))
    assert [each for each in asked if each not in NAMES | GROUPS] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"[`(] ?make ([a-z0-9-]+)", text(page))) - targets == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_a_page_runs_exists(page: str) -> None:
    for module in set(re.findall(r"python -m ([\w.]+)", text(page))):
        parts = module.split(".")
        homes = [ROOT, *(ROOT / "libs").iterdir(), *(ROOT / "services").iterdir()]
        found = [home / Path(*parts) for home in homes]
        assert any(path.with_suffix(".py").is_file() or (path / "__main__.py").is_file() for path in found), module


@pytest.mark.parametrize("page", PAGES)
def test_every_page_and_heading_that_a_page_leads_to_is_there(page: str) -> None:
    for target, heading in LINK.findall(text(page)):
        path = (FOLDER / target).resolve() if target else FOLDER / page
        assert path.exists(), f"{page}: {target}"
        if heading:
            assert heading in anchors(path), f"{page}: {target}{heading}"


@pytest.mark.parametrize("page", PAGES)
def test_every_metric_that_a_page_looks_at_is_one_of_ours(page: str) -> None:
    named = set(re.findall(r"\bvoicemesh_[a-z_]+", text(page)))
    assert {each for each in named if re.sub(r"_(bucket|count|sum)$", "", each) not in METRICS} == set()


def test_each_item_of_the_checklist_has_a_number_and_a_command() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", text("readiness.md"), re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 25
    # Who holds the telephone is a person's to say; what he reads is a link.
    by_hand = {27, 28}
    assert [number for number, _, check in rows if "`" not in check and int(number) not in by_hand] == []


def test_the_transcript_is_of_mistakes_that_are_still_made_and_shows_the_doctor_of_now() -> None:
    from tests.integration.doctor_mistakes import MISTAKES

    shown = re.findall(r"^    (\d+)\. (.+)\n    +(FAIL|WARN) +(\S+)", text("doctor.md"), re.MULTILINE)
    assert len(shown) >= 10
    for number, name, verdict, check in shown:
        mistake = MISTAKES[int(number) - 1]
        assert (mistake.name, str(mistake.verdict), mistake.check) == (name, verdict, check)
    words = {"forty": 40}
    assert any(word in text("doctor.md") and number == len(MISTAKES) for word, number in words.items())
