"""From a caller's YAML to a Script, with all its problems at once."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import soundfile
import yaml
from handoff.directory import DIRECTORY
from yaml_lines.nodes import is_flag, line_of

from local.caller.nodes import Nodes
from local.caller.script import (
    CALL_TIMEOUT_SECONDS,
    CHANNELS,
    DTMF_CODES,
    LINE_TIMEOUT_SECONDS,
    VOICES,
    Expect,
    Line,
    Script,
    ScriptError,
)

_TOP = ("title", "channel", "voice", "timeout_seconds", "lines", "expect")
_KINDS = ("say", "play", "press", "hang_up", "stay_silent")
_LINE = (*_KINDS, "after", "interrupt", "timeout_seconds")
_LIMITS = ("handoffs_max", "gap_ms_max", "overlap_ms_max", "clipped_ms_max")
_EXPECT = ("services", "outcome", "facts", "heard", "heard_once", "not_heard", "effects", *_LIMITS)
_OUTCOMES = ("resolved", "transferred_to_human", "callback_booked", "caller_hung_up", "failed")

_MAX_WORDS = 600
_MAX_KEYS = 40
_MAX_PLAY_SECONDS = 60.0
_EXAMPLE = '- say: "Hi, I was charged twice."'


def load_script(path: Path, *, channel: str | None = None) -> Script:
    """Reads a caller script. ``channel`` overrides the script's own (ValueError for one we do not have).

    Raises ScriptError; every problem carries file, line, what is wrong and what would be right."""
    nodes = Nodes(path)
    root = nodes.document(
        absent="give the path of a caller script; local/callers holds some",
        empty=f"write `lines:` and under it `{_EXAMPLE}`",
    )
    if root is None:
        raise ScriptError(nodes.problems_in_order)
    top = nodes.mapping(root, "the script", _TOP, "channel: web")
    lines = _lines(nodes, root, top)
    script = Script(
        path=path,
        title=nodes.text(top["title"], "`title`", "Charged twice") if "title" in top else path.stem.replace("_", " "),
        channel=nodes.choice(top["channel"], "`channel`", CHANNELS) if "channel" in top else "web",
        voice=nodes.choice(top["voice"], "`voice`", VOICES) if "voice" in top else "heart",
        lines=lines,
        expect=_expect(nodes, top["expect"]) if "expect" in top else Expect(),
        timeout_seconds=_seconds(nodes, top, CALL_TIMEOUT_SECONDS, most=1800),
    )
    if nodes.problems:
        raise ScriptError(nodes.problems_in_order)
    return script.on(channel)


def _seconds(nodes: Nodes, entries: dict[str, yaml.Node], otherwise: float, *, most: float) -> float:
    if "timeout_seconds" not in entries:
        return otherwise
    return nodes.number(entries["timeout_seconds"], "`timeout_seconds`", least=0.1, most=most) or otherwise


def _lines(nodes: Nodes, root: yaml.Node, top: dict[str, yaml.Node]) -> tuple[Line, ...]:
    if "lines" not in top:
        if isinstance(root, yaml.MappingNode):
            nodes.wrong(root, "the script has no `lines`", f"write `lines:` and under it `{_EXAMPLE}`")
        return ()
    items = nodes.items(top["lines"], "`lines`", _EXAMPLE)
    if not items and isinstance(top["lines"], yaml.SequenceNode):
        nodes.wrong(top["lines"], "`lines` is empty", f"write at least one line, such as `{_EXAMPLE}`")
    lines = [_line(nodes, item) for item in items]
    for line, onward in pairwise(lines):
        if line.hang_up or line.stay_silent:
            what = "`hang_up`" if line.hang_up else "`stay_silent`"
            nodes.wrong(
                onward.at_line, f"comes after {what}, so it would never be spoken", f"make {what} the last line"
            )
    return tuple(lines)


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
    return Line(
        at_line=line_of(node),
        say=_say(nodes, entries["say"]) if "say" in entries else "",
        play=_play(nodes, entries["play"]) if "play" in entries else None,
        press=_press(nodes, entries["press"]) if "press" in entries else "",
        hang_up="hang_up" in entries and _only_true(nodes, entries["hang_up"], "`hang_up`"),
        stay_silent="stay_silent" in entries and _only_true(nodes, entries["stay_silent"], "`stay_silent`"),
        after=nodes.cue(entries["after"]) if "after" in entries else None,
        interrupt="interrupt" in entries and nodes.flag(entries["interrupt"], "`interrupt`"),
        timeout_seconds=_seconds(nodes, entries, LINE_TIMEOUT_SECONDS, most=600),
    )


def _only_true(nodes: Nodes, node: yaml.Node, what: str) -> bool:
    if nodes.flag(node, what):
        return True
    if is_flag(node):
        nodes.wrong(node, f"{what} is false, which says nothing", f"write {what[:-1]}: true`, or take the line out")
    return False


def _say(nodes: Nodes, node: yaml.Node) -> str:
    words = nodes.text(node, "`say`", "Hi, I was charged twice.")
    if len(words) > _MAX_WORDS:
        nodes.wrong(node, f"`say` has {len(words)} characters", f"at most {_MAX_WORDS}: split it into several lines")
    return words


def _press(nodes: Nodes, node: yaml.Node) -> str:
    keys = nodes.text(node, "`press`", "4721#")
    if unknown := "".join(dict.fromkeys(key for key in keys if key not in DTMF_CODES)):
        nodes.wrong(
            node, f"`press`: a telephone has no key {unknown!r}", 'write digits, * and #, such as `press: "4721#"`'
        )
    if len(keys) > _MAX_KEYS:
        nodes.wrong(node, f"`press` has {len(keys)} keys", f"at most {_MAX_KEYS}: split it into several lines")
    return keys


def _play(nodes: Nodes, node: yaml.Node) -> Path | None:
    name = nodes.text(node, "`play`", "audio/mumble.flac")
    if not name:
        return None
    path = nodes.path.parent / name
    if not path.is_file():
        nodes.wrong(
            node, f"`play`: there is no file {path}", "give a path relative to this YAML, such as `audio/mumble.flac`"
        )
        return path
    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError as e:
        nodes.wrong(node, f"`play`: {name} is no audio we can read: {e.error_string}", "give a WAV or a FLAC file")
        return path
    if info.duration > _MAX_PLAY_SECONDS:
        nodes.wrong(node, f"`play`: {name} lasts {info.duration:.0f} s", f"at most {_MAX_PLAY_SECONDS:.0f} s: cut it")
    return path


def _expect(nodes: Nodes, node: yaml.Node) -> Expect:
    entries = nodes.mapping(node, "`expect`", _EXPECT, "outcome: resolved")

    def patterns(name: str) -> tuple[re.Pattern[str], ...]:
        if name not in entries:
            return ()
        items = nodes.items(entries[name], f"`{name}`", f"{name}: ['49\\.99']")
        return tuple(p for item in items if (p := nodes.pattern(item, f"`{name}`")) is not None)

    def limit(name: str) -> float | None:
        return nodes.number(entries[name], f"`{name}`", least=0, most=60_000) if name in entries else None

    handoffs = limit("handoffs_max")
    if handoffs is not None and handoffs != int(handoffs):
        nodes.wrong(entries["handoffs_max"], f"`handoffs_max` is {handoffs:g}", "write a whole number, such as 1")
    return Expect(
        services=_services(nodes, entries["services"]) if "services" in entries else None,
        outcome=nodes.choice(entries["outcome"], "`outcome`", _OUTCOMES) or None if "outcome" in entries else None,
        facts=_facts(nodes, entries["facts"]) if "facts" in entries else {},
        heard=patterns("heard"),
        heard_once=patterns("heard_once"),
        not_heard=patterns("not_heard"),
        effects=patterns("effects") if "effects" in entries else None,
        handoffs_max=int(handoffs) if handoffs is not None else None,
        gap_ms_max=limit("gap_ms_max"),
        overlap_ms_max=limit("overlap_ms_max"),
        clipped_ms_max=limit("clipped_ms_max"),
    )


def _services(nodes: Nodes, node: yaml.Node) -> tuple[str, ...]:
    items = nodes.items(node, "`services`", "services: [triage, billing]")
    return tuple(nodes.choice(item, "a service", tuple(DIRECTORY)) for item in items)


def _facts(nodes: Nodes, node: yaml.Node) -> dict[str, str]:
    entries = nodes.mapping(node, "`facts`", None, "account_id: AC4721")
    return {name: nodes.text(value, f"fact `{name}`", "AC4721") for name, value in entries.items()}
