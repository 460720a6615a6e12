"""YAML nodes that remember their line: reading one wrongly notes a problem (file, line, what is wrong, what would be right)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

import yaml


class PlaybookError(Exception):
    """A playbook that cannot be used. ``problems`` holds one line each: ``file:line: what is wrong; what would be right``."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the playbook is not usable:\n" + "\n".join(f"  {p}" for p in problems))


class Problems:
    """Collects what is wrong with one file, and with the files that it uses."""

    def __init__(self, file: str, found: list[tuple[str, int, str]] | None = None) -> None:
        self.file = file
        self.found: list[tuple[str, int, str]] = [] if found is None else found

    def within(self, file: str) -> Problems:
        """For another file; what is found there counts here too."""
        return Problems(file, self.found)

    def add(self, line: int, problem: str) -> None:
        """Notes a problem; the same one is noted once."""
        if (self.file, line, problem) not in self.found:
            self.found.append((self.file, line, problem))

    def raise_if_any(self) -> None:
        """Raises PlaybookError: this file first, each in the order of its lines."""
        if self.found:
            ordered = sorted(self.found, key=lambda p: (p[0] != self.file, *p))
            raise PlaybookError([f"{file}:{line}: {problem}" for file, line, problem in ordered])


def guess(wrong: str, right: Iterable[str]) -> str:
    """ "did you mean ...?", or all that would be right."""
    names = sorted(set(right))
    close = difflib.get_close_matches(wrong, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are: {', '.join(names)}" if names else "none is known here"


class Node:
    """One YAML node. Reading never raises: a wrong node gives an empty value and a noted problem."""

    def __init__(self, node: yaml.Node, problems: Problems) -> None:
        self._node = node
        self.problems = problems

    @property
    def line(self) -> int:
        """Line in the file, from 1."""
        return int(self._node.start_mark.line) + 1

    def wrong(self, problem: str) -> None:
        """Notes a problem at this node."""
        self.problems.add(self.line, problem)

    def unknown(self, kind: str, name: str, right: Iterable[str]) -> None:
        """Notes a name that does not exist."""
        self.wrong(f"unknown {kind} {name!r}: {guess(name, right)}")

    def has(self, key: str) -> bool:
        """Whether this is a mapping with that key."""
        return isinstance(self._node, yaml.MappingNode) and any(str(k.value) == key for k, _ in self._node.value)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values of a mapping; a key that stands twice is a problem."""
        if not isinstance(self._node, yaml.MappingNode):
            self.wrong("this must be a mapping (key: value)")
            return
        seen: set[str] = set()
        for key, value in self._node.value:
            name, node = str(key.value), Node(value, self.problems)
            if name in seen:
                self.problems.add(key.start_mark.line + 1, f"{name!r} stands twice: keep one of them")
            seen.add(name)
            yield name, node

    def mapping(self, *known: str, required: Iterable[str] = ()) -> dict[str, Node]:
        """The values of the ``known`` keys that stand here; unknown and missing keys are problems."""
        found = {}
        for key, node in self.items():
            if key in known:
                found[key] = node
            else:
                node.unknown("key", key, known)
        if isinstance(self._node, yaml.MappingNode):
            for key in required:
                if key not in found:
                    self.wrong(f"{key!r} is missing: give {key}: ...")
        return found

    def sequence(self) -> list[Node]:
        """The items of a list; a single item counts as a list of one."""
        if isinstance(self._node, yaml.SequenceNode):
            return [Node(item, self.problems) for item in self._node.value]
        return [self]

    def text(self) -> str:
        """A scalar as it is written: yes stays ``yes``."""
        if not isinstance(self._node, yaml.ScalarNode):
            self.wrong("this must be a text")
            return ""
        text = str(self._node.value).strip()
        if not text:
            self.wrong("this must not be empty")
        return text

    def texts(self) -> list[str]:
        """A text or a list of texts."""
        return [node.text() for node in self.sequence()]

    def flag(self) -> bool:
        """true or false."""
        text = self.text().lower()
        if text not in ("true", "false"):
            self.wrong("this must be true or false")
        return text == "true"

    def number(self, low: float, high: float) -> float:
        """A number between ``low`` and ``high``."""
        try:
            number = float(self.text())
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            self.wrong(f"this must be a number between {low:g} and {high:g}")
            return low
        return number
