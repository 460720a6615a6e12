"""Walking a YAML tree that remembers its lines. Nothing here raises for what stands in a file: whoever reads it gets an empty value and
a noted problem, and goes on, so that all that is wrong is told at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

Entries = dict[str, yaml.Node]
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER_TAGS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_FLAG_TAG = "tag:yaml.org,2002:bool"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file. ``line`` counts from 1."""

    path: Path
    line: int
    what: str
    right: str
    """What would be right."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}\n    {self.right}"


class Nodes:
    """Reads one file, and collects its problems.

    ``is_secret``: what the file holds may be a secret in the wrong place, so text that is no YAML is never quoted.
    """

    def __init__(self, path: Path, *, is_secret: bool = False) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._is_secret = is_secret

    @property
    def problems_in_order(self) -> tuple[Problem, ...]:
        """By their lines."""
        return tuple(sorted(self.problems, key=lambda problem: problem.line))

    def wrong(self, where: yaml.Node | int, what: str, right: str) -> None:
        """Notes a problem at a node or a line; the same one is noted once."""
        problem = Problem(self.path, where if isinstance(where, int) else line_of(where), what, right)
        if problem not in self.problems:
            self.problems.append(problem)

    # --- files ------------------------------------------------------------------------------------------------------
    def document(self, *, absent: str, empty: str) -> yaml.Node | None:
        """The root of a file that holds one document; None when it does not. What is right for a file that cannot be read, and for an
        empty one, only the caller knows."""
        roots = self.documents(absent=absent, empty=empty)
        if len(roots) > 1:
            self.wrong(roots[1], "a second document begins", "take the `---` out, or make it a file of its own")
        return roots[0] if len(roots) == 1 else None

    def documents(self, *, absent: str, empty: str) -> list[yaml.Node]:
        """The roots of all its documents."""
        try:
            text = self.path.read_text("utf-8")
            roots = list(yaml.compose_all(text, Loader=_LOADER))
        except OSError as e:
            self.wrong(1, f"cannot be read: {e.strerror}", absent)
        except UnicodeDecodeError:
            self.wrong(1, "is not UTF-8 text", "save it as UTF-8")
        except yaml.YAMLError as e:
            self._is_no_yaml(e)
        else:
            if not roots:
                self.wrong(1, "is empty", empty)
            return roots
        return []

    def _is_no_yaml(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        parts = (getattr(error, "context", ""), getattr(error, "problem", ""))
        said = " ".join(str(part) for part in parts if part) or " ".join(str(error).split())
        right = "check the indentation, and put words with `: `, `#` or `*` in them into quotes"
        if isinstance(error, yaml.reader.ReaderError):
            right = "it holds a character that no text has: take it out, and save it as plain UTF-8"
        what = "is not YAML" if self._is_secret else f"is not YAML: {said}"
        self.wrong(mark.line + 1 if mark else 1, what, right)

    # --- values -----------------------------------------------------------------------------------------------------
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

    def items(self, node: yaml.Node, what: str, example: str, *, may_be_empty: bool = True) -> list[yaml.Node]:
        """The items of a list."""
        if not isinstance(node, yaml.SequenceNode) or not (node.value or may_be_empty):
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
        if not is_flag(node):
            self.wrong(node, f"{what} is {_kind(node)}", "write `true` or `false`")
            return False
        return node.value.lower() in {"true", "yes", "on"}

    def number(self, node: yaml.Node, what: str, *, least: float, most: float) -> float | None:
        """A number within limits."""
        value = _number(node)
        if value is None or not least <= value <= most:
            self.wrong(node, f"{what} is {_kind(node)}", f"write a number from {least:g} to {most:g}")
            return None
        return value

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


def is_flag(node: yaml.Node) -> bool:
    """Whether it is true or false, in any of YAML's spellings."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _FLAG_TAG


def is_number(node: yaml.Node) -> bool:
    """Whether it is a number that is not in quotes."""
    return isinstance(node, yaml.ScalarNode) and node.tag in _NUMBER_TAGS


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The nearest of the ``known``, and all of them."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    listed = ", ".join(f"`{k}`" for k in known)
    return f"did you mean `{close[0]}`? It takes {listed}" if close else f"it takes {listed}"


def _number(node: yaml.Node) -> float | None:
    if not is_number(node):
        return None
    try:
        return float(node.value)
    except ValueError:  # YAML's other spellings, 0x10 and 1:30
        return None


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list" if node.value else "empty"
    return repr(node.value) if node.value.strip() else "empty"
