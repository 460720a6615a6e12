"""SECURITY.md: what it points to is there."""

from __future__ import annotations

import re

import pytest

from tools.house import ROOT

PAGES = ("SECURITY.md", "docs/security/data-inventory.md", "docs/security/threat-model.md")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links(page: str) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()) if "://" not in link]


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize(("page", "link"), [(page, link) for page in PAGES for link in links(page)])
def test_a_link_leads_to_what_is_there(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    assert target.exists()
    assert not anchor or anchor in anchors(target.read_text())


@pytest.mark.parametrize("page", PAGES)
def test_a_file_and_a_make_target_that_it_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert {
        path for path in re.findall(r"`((?:tests|docs|libs)/[\w./-]+\.\w+)`", text) if not (ROOT / path).exists()
    } == set()
    targets = set(re.findall(r"`make ([a-z-]+)", text))
    assert {name for name in targets if f"\n{name}:" not in makefile} == set()


def test_it_says_how_to_report_which_versions_are_mended_and_what_is_promised() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert all(word in text for word in ("Report a vulnerability", "Which versions are mended", "What we promise"))
