"""Walking a YAML tree that remembers its lines: every complaint says where, what is wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path

import yaml

from gateway.phone.config import ConfigError, Problem

Entries = dict[str, yaml.Node]


class Nodes:
    """Reads values out of YAML nodes and collects the problems instead of stopping at the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def wrong(self, node: yaml.Node, what: str, right: str) -> None:
        """Notes a problem at a node; the same one is noted once."""
        problem = Problem(self.path, line_of(node), what, right)
        if problem not in self.problems:
            self.problems.append(problem)

    def mapping(self, node: yaml.Node, what: str, known: Collection[str] | None, example: str) -> Entries:
        """The entries of a mapping; keys that are not ``known`` (when given) and keys that come twice are problems."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} is {_kind(node)}", f"write `name: value` pairs, such as `{example}`")
            return {}
        entries: Entries = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if known is not None and name not in known:
                self.wrong(key, f"{what} has no `{name}`", did_you_mean(name, known))
            elif name in entries:
                self.wrong(key, f"`{name}` stands twice in {what}", "keep one of them")
            else:
                entries[name] = value
        return entries

    def items(self, node: yaml.Node, what: str, example: str) -> list[yaml.Node]:
        """The items of a list that has at least one."""
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.wrong(node, f"{what} is {_kind(node)}", f"write a list, such as `{example}`")
            return []
        return list(node.value)

    def text(self, node: yaml.Node, what: str, example: str) -> str:
        """Words, as they stand (`Yes` and `42` are words here)."""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.wrong(node, f"{what} is {_kind(node)}", f"write words, such as `{example}`")
            return ""
        return str(node.value.strip())

    def choice(self, node: yaml.Node, what: str, choices: Collection[str]) -> str:
        """One of a few words."""
        word = self.text(node, what, next(iter(choices)))
        if word and word not in choices:
            self.wrong(node, f"{what} is {word!r}", did_you_mean(word, choices))
            return ""
        return word

    def flag(self, node: yaml.Node, what: str) -> bool:
        """true or false."""
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
            self.wrong(node, f"{what} is {_kind(node)}", "write `true` or `false`")
            return False
        return node.value.lower() in {"true", "yes", "on"}

    def whole_number(self, node: yaml.Node, what: str, *, least: int, most: int) -> int:
        """A whole number within limits; ``least`` when it is none."""
        raw = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not raw.isdecimal() or not least <= int(raw) <= most:
            self.wrong(node, f"{what} is {_kind(node)}", f"write a whole number from {least} to {most}")
            return least
        return int(raw)


def line_of(node: yaml.Node) -> int:
    """From 1."""
    return int(node.start_mark.line) + 1


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The nearest of the ``known``, and all of them."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    listed = ", ".join(f"`{k}`" for k in known)
    return f"did you mean `{close[0]}`? It takes {listed}" if close else f"it takes {listed}"


def compose(path: Path) -> yaml.Node:
    """The root of a YAML file. Raises ConfigError."""

    def unusable(line: int, what: str, right: str) -> ConfigError:
        return ConfigError((Problem(path, line, what, right),))

    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except OSError as e:
        right = "give the path of a phone.yaml; gateway/phone/example.yaml is one to begin with"
        raise unusable(1, f"cannot be read: {e.strerror}", right) from None
    except UnicodeDecodeError:
        raise unusable(1, "is not UTF-8 text", "save it as UTF-8") from None
    except yaml.YAMLError as e:
        # What it says beside the place quotes the file, which may hold a secret that does not belong there.
        mark = getattr(e, "problem_mark", None) or getattr(e, "context_mark", None)
        right = "check the indentation, and put words with `: `, `#` or `*` in them into quotes"
        raise unusable(mark.line + 1 if mark else 1, "is not YAML", right) from None
    if root is None:
        raise unusable(1, "is empty", "copy gateway/phone/example.yaml and change its numbers")
    return root


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list" if node.value else "empty"
    return repr(node.value) if node.value.strip() else "empty"
