"""Reads a playbook from YAML. All problems are reported at once, each with file, line, and what would be right.

The format is told in the head of ``services/triage/triage/playbook.yaml``. ``- use: NAME`` puts the shared rules of
``worker/playbook/sets/NAME.yaml`` in that place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from worker.playbook.check import check
from worker.playbook.parts import read_rule, read_tool, read_when
from worker.playbook.rules import Playbook, Rule, Tool, When
from worker.playbook.yaml_nodes import Node, PlaybookError, Problems

__all__ = ["PlaybookError", "load"]

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser reads a playbook in 2 ms instead of 12; a caller waits for it."""
_SETS = files("worker.playbook") / "sets"


def load(path: Traversable) -> Playbook:
    """The playbook in a file; ``knowledge`` names a Markdown file beside it. Raises PlaybookError with every problem."""
    with as_file(path) as file:
        problems = Problems(path.name)
        root = _root(file, problems)
        if root is None:
            raise PlaybookError([f"{path.name}:1: the file is empty; give service, tools and rules"])
        playbook = _playbook(root, file)
    problems.raise_if_any()
    assert playbook is not None
    check(playbook, problems)
    problems.raise_if_any()
    return playbook


def _root(file: Path | Traversable, problems: Problems) -> Node | None:
    name = file.name
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as e:
        raise PlaybookError([f"{name}: cannot be read ({e.strerror})"]) from None
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise PlaybookError(
            [f"{name}:{line}: this is not YAML: {getattr(e, 'problem', None) or 'unreadable'}"]
        ) from None
    return Node(root, problems) if root is not None else None


@dataclass(frozen=True, slots=True)
class _Set:
    """Shared rules with the tools they call and the facts they speak of."""

    tools: Mapping[str, Tool]
    facts: frozenset[str]
    rules: tuple[Rule, ...]


def _playbook(root: Node, file: Path) -> Playbook | None:
    parts = root.mapping(
        "service", "facts", "knowledge", "min_confidence", "tools", "rules", required=("service", "rules")
    )
    own = _set(parts, root.problems)
    nodes = parts["rules"].sequence() if "rules" in parts else []
    used = {id(node): used for node in nodes if node.has("use") and (used := _used(node)) is not None}
    rules = list(_in_order(nodes, own, used))
    if not root.problems.found and not rules:
        parts["rules"].wrong("there must be at least one rule")
    if root.problems.found:
        return None
    sets = used.values()
    return Playbook(
        service=parts["service"].text(),
        rules=tuple(_with_onward(rules)),
        tools={name: tool for part in (*reversed(list(sets)), own) for name, tool in part.tools.items()},
        facts=own.facts.union(*(part.facts for part in sets)),
        knowledge=_knowledge(parts["knowledge"], file) if "knowledge" in parts else {},
        **({"min_confidence": parts["min_confidence"].number(0, 1)} if "min_confidence" in parts else {}),
    )


def _set(parts: Mapping[str, Node], problems: Problems) -> _Set:
    tools = {n: read_tool(n, node) for n, node in parts["tools"].items()} if "tools" in parts else {}
    rules = [read_rule(n) for n in parts["rules"].sequence() if not n.has("use")] if "rules" in parts else []
    return _Set(
        tools={name: tool for name, tool in tools.items() if tool is not None},
        facts=frozenset(parts["facts"].texts()) if "facts" in parts else frozenset(),
        rules=tuple(rule for rule in rules if rule is not None),
    )


def _used(node: Node) -> _Set | None:
    """The set that ``- use: NAME`` names, its rules under the ``when`` that stands there."""
    parts = node.mapping("use", "when", required=("use",))
    name = parts["use"].text()
    known = {p.name.removesuffix(".yaml") for p in _SETS.iterdir() if p.name.endswith(".yaml")}
    if name not in known:
        parts["use"].unknown("rule set", name, known)
        return None
    problems = node.problems.within(f"{name}.yaml")
    root = _root(_SETS / f"{name}.yaml", problems)
    assert root is not None, f"{name}.yaml is empty"
    found = _set(root.mapping("facts", "tools", "rules", required=("rules",)), problems)
    if "when" not in parts:
        return found
    when = read_when(parts["when"])
    # What stands instead of a question stays free of it: it belongs to the question, not to this place.
    limited = (replace(r, when=When(all_of=(when, r.when))) if r.instead_of is None else r for r in found.rules)
    return _Set(found.tools, found.facts, tuple(limited))


def _in_order(nodes: list[Node], own: _Set, used: Mapping[int, _Set]) -> Iterator[Rule]:
    """All rules as they stand. A rule of the playbook replaces the one of its name in a set, and a set used twice is one."""
    mine = iter(own.rules)
    seen = {rule.name for rule in own.rules}
    for node in nodes:
        if not node.has("use"):
            if (rule := next(mine, None)) is not None:
                yield rule
            continue
        for rule in used[id(node)].rules if id(node) in used else ():
            if rule.name not in seen:
                seen.add(rule.name)
                yield rule


def _with_onward(rules: list[Rule]) -> Iterator[Rule]:
    """Rules that end with a question get the words that they say when another rule takes the question's place."""
    for rule in rules:
        others = [r for r in rules if r.instead_of is not None and r.instead_of == rule.question and r.say is not None]
        if not others or rule.say is None or rule.call is not None:
            yield rule
            continue
        yield replace(rule, onward={r.name: rule.say.ending_with(r.say.text) for r in others if r.say is not None})


def _knowledge(node: Node, file: Path) -> Mapping[str, str]:
    """Heading -> the text under it, on one line; "## Opening hours" is ``knowledge.opening_hours``."""
    source = file.parent / node.text()
    if not source.is_file():
        node.wrong(f"there is no file {node.text()} beside the playbook")
        return {}
    found = {}
    for part in re.split(r"^## +", source.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        found[re.sub(r"\W+", "_", heading.strip().lower()).strip("_")] = " ".join(body.split())
    return found
