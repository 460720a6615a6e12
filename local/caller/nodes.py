"""Walking a YAML tree that remembers its lines: every complaint says where, what is wrong, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from pathlib import Path

import yaml

from local.caller.script import Problem

_NUMBER_TAGS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


class Nodes:
    """Reads values out of YAML nodes and collects the problems instead of stopping at the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def wrong(self, node: yaml.Node | int, what: str, right: str) -> None:
        """Notes a problem at a node, or at a line counted from 1."""
        line = node if isinstance(node, int) else node.start_mark.line + 1
        self.problems.append(Problem(self.path, line, what, right))

    def mapping(self, node: yaml.Node, what: str, known: Collection[str] | None, example: str) -> dict[str, yaml.Node]:
        """The entries of a mapping; keys that are not ``known`` (when given) and keys that come twice are problems."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} is {_kind(node)}", f"write `name: value` pairs, such as `{example}`")
            return {}
        entries: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if known is not None and name not in known:
                self.wrong(key, f"{what} has no `{name}`", _did_you_mean(name, known))
            elif name in entries:
                self.wrong(key, f"`{name}` stands twice in {what}", "keep one of them")
            else:
                entries[name] = value
        return entries

    def items(self, node: yaml.Node, what: str, example: str) -> list[yaml.Node]:
        """The items of a list."""
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, f"{what} is {_kind(node)}", f"write a list, such as `{example}`")
            return []
        return list(node.value)

    def text(self, node: yaml.Node, what: str, example: str) -> str:
        """Words, as they stand (`Yes` and `42` are words here)."""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.wrong(node, f"{what} is {_kind(node)}", f"write words, such as `{example}`")
            return ""
        return " ".join(node.value.split())

    def choice(self, node: yaml.Node, what: str, choices: Collection[str]) -> str:
        """One of a few words."""
        word = self.text(node, what, next(iter(choices)))
        if word and word not in choices:
            self.wrong(node, f"{what} is {word!r}", _did_you_mean(word, choices))
            return ""
        return word

    def flag(self, node: yaml.Node, what: str) -> bool:
        """true or false."""
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
            self.wrong(node, f"{what} is {_shown(node)}", "write `true` or `false`")
            return False
        return node.value.lower() in {"true", "yes", "on"}

    def number(self, node: yaml.Node, what: str, *, least: float, most: float) -> float | None:
        """A number within limits."""
        value = _number(node)
        if value is None or not least <= value <= most:
            self.wrong(node, f"{what} is {_shown(node)}", f"write a number from {least:g} to {most:g}")
            return None
        return value

    def pattern(self, node: yaml.Node, what: str) -> re.Pattern[str] | None:
        """A regular expression; it will be searched for without regard to case."""
        words = self.text(node, what, '"how can I help"')
        if not words:
            return None
        try:
            return re.compile(words, re.IGNORECASE)
        except (OverflowError, RecursionError):
            self.wrong(node, f"{what} is no regular expression: {words!r} repeats too often", "mend it")
            return None
        except re.error as e:
            right = 'mend it, or escape what is meant as it stands: "\\$49\\.99", "really\\?"'
            self.wrong(
                node, f"{what} is no regular expression: {e.msg} at character {(e.pos or 0) + 1} of {words!r}", right
            )
            return None

    def cue(self, node: yaml.Node) -> re.Pattern[str] | float | None:
        """The value of `after:`: seconds when it is a number, else a pattern."""
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBER_TAGS:
            return self.number(node, "`after`", least=0, most=120)
        return self.pattern(node, "`after`")


def _number(node: yaml.Node) -> float | None:
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _NUMBER_TAGS:
        return None
    try:
        return float(node.value)
    except ValueError:
        return None


def _did_you_mean(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    listed = ", ".join(f"`{k}`" for k in known)
    return f"did you mean `{close[0]}`? It takes {listed}" if close else f"it takes {listed}"


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "empty" if not node.value.strip() else _shown(node)


def _shown(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else _kind(node)
