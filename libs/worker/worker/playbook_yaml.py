"""Reads a playbook from YAML. All problems are reported at once, each with file, line, and what would be right.

The format is told in the head of ``services/triage/triage/playbook.yaml``, the shorter of the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from worker.conversation import Answer
from worker.phrases import Phrase
from worker.playbook_check import check
from worker.playbook_rules import Playbook, Rule, Tool, When
from worker.yaml_nodes import Node, PlaybookError, Problems

__all__ = ["PlaybookError", "load"]

_NAMES = ("known", "missing", "intent", "done", "not_done", "failed", "not_called", "just_answered", "available", "unavailable",
          "gave_up", "said", "not_said")  # fmt: skip
_QUOTE = "put a text that holds any of ? : , { } [ ] # in quotes"
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser reads a playbook in 2 ms instead of 12; a caller waits for it."""
_PATTERNS = ("heard", "heard_now", "told")


def load(path: Traversable) -> Playbook:
    """The playbook in a file; ``knowledge`` names a Markdown file beside it. Raises PlaybookError with every problem."""
    with as_file(path) as file:
        problems = Problems(path.name)
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as e:
            raise PlaybookError([f"{path.name}: cannot be read ({e.strerror})"]) from None
        try:
            root = yaml.compose(text, Loader=_LOADER)
        except yaml.YAMLError as e:
            mark = getattr(e, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise PlaybookError(
                [f"{path.name}:{line}: this is not YAML: {getattr(e, 'problem', None) or 'unreadable'}"]
            ) from None
        if root is None:
            raise PlaybookError([f"{path.name}:1: the file is empty; give service, tools and rules"])
        playbook = _playbook(Node(root, problems), file)
    problems.raise_if_any()
    assert playbook is not None
    check(playbook, problems)
    problems.raise_if_any()
    return playbook


def _playbook(root: Node, file: Path) -> Playbook | None:
    parts = root.mapping(
        "service", "facts", "knowledge", "min_confidence", "tools", "rules", required=("service", "rules")
    )
    tools = {n: _tool(n, node) for n, node in parts["tools"].items()} if "tools" in parts else {}
    rules = (
        [rule for node in parts["rules"].sequence() if (rule := _rule(node)) is not None] if "rules" in parts else []
    )
    if not root.problems.found and not rules:
        parts["rules"].wrong("there must be at least one rule")
    if root.problems.found:
        return None
    return Playbook(
        service=parts["service"].text(),
        rules=tuple(rules),
        tools={name: tool for name, tool in tools.items() if tool is not None},
        facts=frozenset(parts["facts"].texts()) if "facts" in parts else frozenset(),
        knowledge=_knowledge(parts["knowledge"], file) if "knowledge" in parts else {},
        **({"min_confidence": parts["min_confidence"].number(0, 1)} if "min_confidence" in parts else {}),
    )


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


def _tool(name: str, node: Node) -> Tool | None:
    parts = node.mapping("call", "with", "known_by", "fails_like", required=("call",))
    if "call" not in parts:
        return None
    arguments: dict[str, Phrase] = {}
    optional = set()
    for key, value in parts["with"].items() if "with" in parts else ():
        bare = key.removesuffix("?")
        phrase = _phrase(value)
        if phrase is not None:
            arguments[bare] = phrase
        if key != bare:
            optional.add(bare)
    known_by = tuple(parts["known_by"].texts()) if "known_by" in parts else tuple(arguments)
    for unknown in set(known_by) - set(arguments):
        parts["known_by"].unknown("argument", unknown, arguments)
    fails_like = _pattern(parts["fails_like"]) if "fails_like" in parts else None
    return Tool(name, parts["call"].text(), arguments, frozenset(optional), known_by, fails_like)


def _rule(node: Node) -> Rule | None:
    parts = node.mapping(
        "name", "when", "say", "ask", "again", "call", "repeat", "anew", "question", required=("name",)
    )
    if "name" not in parts:
        return None
    name, when = parts["name"].text(), _when(parts["when"]) if "when" in parts else When()
    if "say" in parts and "ask" in parts:
        parts["ask"].wrong("a rule says or asks, not both: keep one of them")
    if not {"say", "ask", "call"} & parts.keys():
        node.wrong("the rule does nothing: give say, ask or call")
    if "again" in parts and "ask" not in parts:
        parts["again"].wrong("again belongs to ask: turn say into ask, or use repeat: true")
    again = None
    if "ask" in parts:
        again = tuple(
            p for n in (parts["again"].sequence() if "again" in parts else ()) if (p := _phrase(n)) is not None
        )
        if len(again) > 2:
            parts["again"].wrong("a caller is asked again at most twice: give at most 2 lines")
    spoken = parts.get("ask") or parts.get("say")
    return Rule(
        name=name,
        line=node.line,
        when=when,
        say=_phrase(spoken) if spoken is not None else None,
        again=again,
        call=parts["call"].text() if "call" in parts else None,
        repeat=parts["repeat"].flag() if "repeat" in parts else False,
        anew=parts["anew"].flag() if "anew" in parts else False,
        question=parts["question"].text() if "question" in parts else (name if "ask" in parts else None),
    )


def _when(node: Node) -> When:
    keys = (*_NAMES, *_PATTERNS, "specialist", "error", "result", "fewer_calls", "answer", "turns_since", "any", "none")
    parts = node.mapping(*keys)
    values: dict[str, object] = {name: tuple(parts[name].texts()) for name in _NAMES if name in parts}
    values |= {name: _pattern(parts[name]) for name in _PATTERNS if name in parts}
    readers: dict[str, Callable[[Node], object]] = {
        "error": lambda n: {key: p for key, v in n.items() if (p := _pattern(v)) is not None},
        "result": lambda n: dict(_results(n)),
        "fewer_calls": lambda n: {key: int(v.number(1, 10)) for key, v in n.items()},
        "answer": lambda n: dict(_answers(n)),
        "turns_since": lambda n: {key: int(v.number(0, 100)) for key, v in n.items()},
        "specialist": lambda n: n.flag(),
    }
    values |= {name: read(parts[name]) for name, read in readers.items() if name in parts}
    if "any" in parts:
        values["any_of"] = tuple(_when(part) for part in parts["any"].sequence())
    if "none" in parts:
        values["none_of"] = tuple(_when(part) for part in parts["none"].sequence())
    return When(**values)  # type: ignore[arg-type]


def _results(node: Node) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    for key, value in node.items():
        tool, dot, field_name = key.partition(".")
        if not dot:
            value.wrong(f"{key!r} must be tool.field, e.g. check.eligible")
        yield (tool, field_name), tuple(text.lower() for text in value.texts())


def _answers(node: Node) -> Iterator[tuple[str, Answer]]:
    for key, value in node.items():
        if value.text() in list(Answer):
            yield key, Answer(value.text())
        else:
            value.unknown("answer", value.text(), [a.value for a in Answer])


def _phrase(node: Node) -> Phrase | None:
    try:
        return Phrase(node.text())
    except ValueError as e:
        node.wrong(str(e))
        return None


def _pattern(node: Node) -> re.Pattern[str] | None:
    try:
        return re.compile(node.text(), re.IGNORECASE)
    except re.error as e:
        node.wrong(f"this is not a regular expression: {e.msg}")
        return None
