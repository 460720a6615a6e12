"""From YAML to conversations, with all the problems of a file at once: where, what is wrong, what would be right."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import yaml
from handoff.call import Channel
from handoff.directory import DIRECTORY
from yaml_lines.nodes import line_of

from local.caller.nodes import Nodes
from local.caller.script import VOICES, ScriptError
from local.eval.conversation import TIMEOUT_SECONDS, Conversation, Expect, Line
from local.eval.reader_expect import read_expect

__all__ = ["ScriptError", "load"]

_TOP = ("name", "starts_at", "channel", "spoken", "voice", "away", "full", "busy", "in_line", "hold_seconds", "timeout_seconds",
        "lines", "expect")  # fmt: skip
_KINDS = ("say", "hang_up", "stay_silent")
_LINE = (*_KINDS, "after", "mumbled", "while_connecting", "while_waiting")
_EXAMPLE = '- say: "Hi, I was charged twice."'


def load(path: Path) -> tuple[Conversation, ...]:
    """The conversations of one file. Raises ScriptError with all that is wrong with it."""
    nodes = Nodes(path)
    roots = nodes.documents(absent="give the path of an eval's YAML", empty=f"write `lines:` and under it `{_EXAMPLE}`")
    found = tuple(_conversation(nodes, root, several=len(roots) > 1) for root in roots)
    for number, conversation in enumerate(found):
        if conversation.name in {earlier.name for earlier in found[:number]}:
            right = "give each conversation of a file a `name:` of its own"
            nodes.wrong(
                conversation.at_line, f"another conversation of this file is called {conversation.name!r}", right
            )
    if nodes.problems:
        raise ScriptError(nodes.problems_in_order)
    return found


def _conversation(nodes: Nodes, root: yaml.Node, *, several: bool) -> Conversation:
    top = nodes.mapping(root, "the conversation", _TOP, "starts_at: triage")
    if several and "name" not in top and isinstance(root, yaml.MappingNode):
        nodes.wrong(root, "has no `name`", "several conversations in one file each need a `name:`")
    stem = nodes.path.stem.replace("_", " ")
    return Conversation(
        path=nodes.path,
        at_line=line_of(root),
        name=nodes.text(top["name"], "`name`", "a double charge is refunded") if "name" in top else stem,
        starts_at=_service(nodes, top["starts_at"], "`starts_at`") if "starts_at" in top else "triage",
        channel=Channel(nodes.choice(top["channel"], "`channel`", list(Channel)) or "web")
        if "channel" in top
        else Channel.WEB,
        voice=nodes.choice(top["voice"], "`voice`", VOICES) if "voice" in top else "heart",
        is_spoken="spoken" in top and nodes.flag(top["spoken"], "`spoken`"),
        away=_services(nodes, top, "away"),
        full=_services(nodes, top, "full"),
        busy=_counts(nodes, top, "busy"),
        in_line=_counts(nodes, top, "in_line"),
        hold_seconds=nodes.number(top["hold_seconds"], "`hold_seconds`", least=0, most=60) or 0.0
        if "hold_seconds" in top
        else 0.0,
        lines=_lines(nodes, root, top),
        expect=read_expect(nodes, top["expect"]) if "expect" in top else _nothing_expected(nodes, root),
        timeout_seconds=_timeout(nodes, top),
    )


def _nothing_expected(nodes: Nodes, root: yaml.Node) -> Expect:
    if isinstance(root, yaml.MappingNode):
        right = "write what must come of it, such as `expect: {services: [triage], ending: resolved}`"
        nodes.wrong(root, "the conversation has no `expect`", right)
    return Expect()


def _timeout(nodes: Nodes, top: dict[str, yaml.Node]) -> float:
    if "timeout_seconds" not in top:
        return TIMEOUT_SECONDS
    return nodes.number(top["timeout_seconds"], "`timeout_seconds`", least=1, most=300) or TIMEOUT_SECONDS


def _service(nodes: Nodes, node: yaml.Node, what: str) -> str:
    return nodes.choice(node, what, sorted(DIRECTORY)) or "triage"


def _services(nodes: Nodes, top: dict[str, yaml.Node], key: str) -> frozenset[str]:
    if key not in top:
        return frozenset()
    items = nodes.items(top[key], f"`{key}`", f"{key}: [billing]")
    return frozenset(_service(nodes, item, f"a service of `{key}`") for item in items)


def _counts(nodes: Nodes, top: dict[str, yaml.Node], key: str) -> dict[str, int]:
    if key not in top:
        return {}
    entries = nodes.mapping(top[key], f"`{key}`", sorted(DIRECTORY), "billing: 2")
    return {name: int(nodes.number(node, f"`{name}`", least=0, most=100) or 0) for name, node in entries.items()}


def _lines(nodes: Nodes, root: yaml.Node, top: dict[str, yaml.Node]) -> tuple[Line, ...]:
    if "lines" not in top:
        if isinstance(root, yaml.MappingNode):
            nodes.wrong(root, "the conversation has no `lines`", f"write `lines:` and under it `{_EXAMPLE}`")
        return ()
    items = nodes.items(top["lines"], "`lines`", _EXAMPLE)
    if not items and isinstance(top["lines"], yaml.SequenceNode):
        nodes.wrong(top["lines"], "`lines` is empty", f"write at least one line, such as `{_EXAMPLE}`")
    lines = tuple(_line(nodes, item) for item in items)
    for line, onward in pairwise(lines):
        if line.hang_up or line.stay_silent:
            what = "`hang_up`" if line.hang_up else "`stay_silent`"
            nodes.wrong(onward.at_line, f"comes after {what}, so it would never be said", f"make {what} the last line")
        if onward.is_meanwhile and (onward.after is not None or line.is_meanwhile):
            right = "take `after` out, and say it all in one line: it is said while the announcement is heard"
            nodes.wrong(onward.at_line, f"`{_meanwhile(onward)}` follows the line that brings the handoff about", right)
    if lines and lines[0].is_meanwhile:
        nodes.wrong(lines[0].at_line, f"`{_meanwhile(lines[0])}` on the first line", "no handoff has begun before it")
    return lines


def _meanwhile(line: Line) -> str:
    return "while_connecting" if line.while_connecting else "while_waiting"


def _line(nodes: Nodes, node: yaml.Node) -> Line:
    complaints = len(nodes.problems)
    entries = nodes.mapping(node, "this line", _LINE, 'say: "Hi, I was charged twice."')
    kinds = [kind for kind in _KINDS if kind in entries]
    # A misspelt `say` is one mistake, not two.
    if len(kinds) > 1 or (not kinds and len(nodes.problems) == complaints):
        found = " and ".join(f"`{k}`" for k in kinds) or "none of them"
        listed = ", ".join(f"`{k}`" for k in _KINDS)
        nodes.wrong(
            node, f"a line is exactly one of {listed}; this one has {found}", f"write one, such as `{_EXAMPLE}`"
        )

    def flag(name: str) -> bool:
        return name in entries and nodes.flag(entries[name], f"`{name}`")

    return Line(
        at_line=line_of(node),
        say=nodes.text(entries["say"], "`say`", "Hi, I was charged twice.") if "say" in entries else "",
        hang_up=flag("hang_up"),
        stay_silent=flag("stay_silent"),
        after=nodes.pattern(entries["after"], "`after`") if "after" in entries else None,
        mumbled=flag("mumbled"),
        while_connecting=flag("while_connecting"),
        while_waiting=flag("while_waiting"),
    )
