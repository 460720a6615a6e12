"""The skill's pages as data: front matter, fenced blocks, words in code marks, links. Nothing is run here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SKILL = ROOT / "skills" / "livekit-agents"
NOT_RUN = "# Not run by the tests: "
"""First line of a block that wants what a test's machine has not; the reason follows, for readers to see."""
WITH_LIVEKIT = "# Needs a LiveKit server: "
"""First line of a Python block that talks to one; it is given one."""

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>[^\n]*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<to>[^)\s]+)\)")
_CODE = re.compile(r"`(?P<text>[^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block. ``line`` is that of its first fence, from 1; ``kind`` the first word after it."""

    page: Path
    line: int
    kind: str
    text: str

    @property
    def name(self) -> str:
        """For a test's id, and for messages."""
        return f"{self.page.name}:{self.line}"

    @property
    def needs_livekit(self) -> bool:
        """Whether it talks to a LiveKit server."""
        return self.text.startswith(WITH_LIVEKIT)

    @property
    def reason(self) -> str:
        """Why it is not run, in its own words; empty when it is."""
        first = self.text.partition("\n")[0]
        return first.removeprefix(NOT_RUN).strip() if first.startswith(NOT_RUN) else ""


def pages() -> list[Path]:
    """SKILL.md, then its references by name."""
    return [SKILL / "SKILL.md", *sorted((SKILL / "references").glob("*.md"))]


def fences(page: Path) -> list[Fence]:
    """Its blocks, in order. Raises ValueError when one is not closed."""
    found: list[Fence] = []
    opened: tuple[int, str, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, inside = (number, fence["ticks"], fence["info"].strip()), []
        elif opened is not None and fence and fence["ticks"].startswith(opened[1]) and not fence["info"].strip():
            found.append(Fence(page, opened[0], (opened[2].split() or [""])[0], "\n".join(inside) + "\n"))
            opened = None
        elif opened is not None:
            inside.append(line)
    if opened is not None:
        raise ValueError(f"{page.name}:{opened[0]}: the block is not closed")
    return found


def all_fences(*kinds: str) -> list[Fence]:
    """Those of all pages, of these kinds, or of any."""
    return [fence for page in pages() for fence in fences(page) if not kinds or fence.kind in kinds]


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Its lines outside of blocks and front matter, with their numbers."""
    is_block, is_head = False, False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if number == 1 and line == "---":
            is_head = True
        elif is_head:
            is_head = line != "---"
        elif _FENCE.match(line):
            is_block = not is_block
        elif not is_block:
            yield number, line


def code_words(page: Path) -> list[tuple[int, str]]:
    """What stands in code marks in the prose, with the line's number."""
    return [(number, found["text"]) for number, line in prose(page) for found in _CODE.finditer(line)]


def links(page: Path) -> list[tuple[int, str]]:
    """Where the prose links to, with the line's number."""
    return [(number, found["to"]) for number, line in prose(page) for found in _LINK.finditer(line)]


def front_matter() -> dict[str, Any]:
    """Of SKILL.md. Raises ValueError when there is none."""
    text = (SKILL / "SKILL.md").read_text(encoding="utf-8")
    _, mark, rest = text.partition("---\n")
    head, end, _ = rest.partition("\n---\n")
    if not text.startswith("---\n") or not mark or not end:
        raise ValueError("SKILL.md does not begin with front matter between two lines of ---")
    found = yaml.safe_load(head)
    if not isinstance(found, dict):
        raise ValueError("the front matter is no mapping")
    return found
