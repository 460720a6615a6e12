"""Reads the parts of a playbook from their YAML nodes: a tool, a rule, a condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from worker.playbook.conversation import Answer
from worker.playbook.phrases import Phrase
from worker.playbook.rules import Rule, Tool, When
from worker.playbook.yaml_nodes import Node

_NAMES = ("known", "missing", "intent", "done", "not_done", "failed", "not_called", "just_answered", "available", "unavailable",
          "gave_up", "said", "not_said", "pending", "mood", "visited", "service")  # fmt: skip
_PATTERNS = ("heard", "heard_now", "heard_before", "told", "effect", "refused")
_FLAGS = ("specialist", "several", "out_of_scope", "far_off", "frustrated", "returning", "unhelped")


def read_tool(name: str, node: Node) -> Tool | None:
    """A tool; None when it does not say which tool it calls."""
    parts = node.mapping("call", "with", "known_by", "fails_like", "replaces", required=("call",))
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
    return Tool(
        name=name,
        call=parts["call"].text(),
        arguments=arguments,
        optional=frozenset(optional),
        known_by=known_by,
        fails_like=fails_like,
        replaces="replaces" in parts and parts["replaces"].flag(),
        file=node.problems.file,
    )


def read_rule(node: Node) -> Rule | None:
    """A rule; None when it has no name."""
    parts = node.mapping(
        "name", "when", "say", "ask", "again", "like", "call", "repeat", "anew", "question", "instead_of", "helped",
        required=("name",),
    )  # fmt: skip
    if "name" not in parts:
        return None
    name, when = parts["name"].text(), read_when(parts["when"]) if "when" in parts else When()
    if "say" in parts and "ask" in parts:
        parts["ask"].wrong("a rule says or asks, not both: keep one of them")
    if not {"say", "ask", "call"} & parts.keys():
        node.wrong("the rule does nothing: give say, ask or call")
    if "again" in parts and "ask" not in parts:
        parts["again"].wrong("again belongs to ask: turn say into ask, or use repeat: true")
    again = _phrases(parts.get("again")) if "ask" in parts else None
    if again is not None and len(again) > 2:
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
        like=_phrases(parts.get("like")),
        instead_of=parts["instead_of"].text() if "instead_of" in parts else None,
        helped=parts["helped"].flag() if "helped" in parts else None,
        file=node.problems.file,
    )


def read_when(node: Node) -> When:
    """A condition, with the alternatives and exceptions in it."""
    keys = (*_NAMES, *_PATTERNS, *_FLAGS, "error", "result", "fewer_calls", "answer", "turns_since", "any", "none")
    parts = node.mapping(*keys)
    values: dict[str, object] = {name: tuple(parts[name].texts()) for name in _NAMES if name in parts}
    values |= {name: _pattern(parts[name]) for name in _PATTERNS if name in parts}
    values |= {name: parts[name].flag() for name in _FLAGS if name in parts}
    readers: dict[str, Callable[[Node], object]] = {
        "error": lambda n: {key: p for key, v in n.items() if (p := _pattern(v)) is not None},
        "result": lambda n: dict(_results(n)),
        "fewer_calls": lambda n: {key: int(v.number(1, 10)) for key, v in n.items()},
        "answer": lambda n: dict(_answers(n)),
        "turns_since": lambda n: {key: int(v.number(0, 100)) for key, v in n.items()},
    }
    values |= {name: read(parts[name]) for name, read in readers.items() if name in parts}
    for key in ("any", "none"):
        if key in parts:
            values[f"{key}_of"] = tuple(read_when(part) for part in parts[key].sequence())
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


def _phrases(node: Node | None) -> tuple[Phrase, ...]:
    return tuple(p for part in (node.sequence() if node is not None else ()) if (p := _phrase(part)) is not None)


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
