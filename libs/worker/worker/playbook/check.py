"""What can be wrong with a playbook although it reads well: names that point nowhere, and callers left in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from handoff.call import Mood
from handoff.directory import DIRECTORY

from worker.playbook.phrases import FORMATS, Phrase
from worker.playbook.rules import BUILT_IN, Playbook, Rule, When
from worker.playbook.yaml_nodes import Problems, guess


def check(playbook: Playbook, problems: Problems) -> None:
    """Notes every problem at the line of the rule it is in (line 1 for tools)."""
    _check_names(playbook, problems)
    for rule in playbook.rules:
        _check_rule(playbook, rule, problems.within(rule.file))
    for tool in playbook.tools.values():
        for phrase in tool.arguments.values():
            for problem in _hole_problems(playbook, phrase):
                problems.add(1, f"tool {tool.name!r}: {problem}")
    _check_cycles(playbook, problems)
    last = playbook.rules[-1]
    if last.when != When() or last.say is None or not last.repeat or last.say.holes:
        problems.add(
            last.line,
            "the last rule must always speak, or a caller could hear nothing: give it say without placeholders, repeat: true and no when",
        )


def _check_names(playbook: Playbook, problems: Problems) -> None:
    for name, count in Counter(rule.name for rule in playbook.rules).items():
        if count > 1:
            again = [rule for rule in playbook.rules if rule.name == name][-1]
            problems.within(again.file).add(
                again.line, f"the rule {name!r} stands {count} times: give each its own name"
            )
    called = {rule.call for rule in playbook.rules}
    own = {name for name, tool in playbook.tools.items() if tool.file == problems.file}
    for name in own - called:
        problems.add(1, f"no rule calls the tool {name!r}: take it out, or write the rule")
    for rule in playbook.rules[:-1]:
        if rule.when == When() and (rule.repeat or rule.say is None) and rule.instead_of is None:
            problems.within(rule.file).add(
                rule.line, f"the rule {rule.name!r} always fires, so none after it can: give it a when"
            )


def _check_rule(playbook: Playbook, rule: Rule, problems: Problems) -> None:
    if rule.call is not None and rule.call not in playbook.tools:
        problems.add(rule.line, f"unknown tool {rule.call!r}: {guess(rule.call, playbook.tools)}")
    if rule.instead_of is not None and rule.say is None:
        problems.add(rule.line, "a rule that stands instead of a question needs words: give say")
    for phrase in rule.phrases:
        for problem in _hole_problems(playbook, phrase):
            problems.add(rule.line, problem)
    wanted = When(gave_up=(rule.instead_of,)) if rule.instead_of is not None else When()
    for kind, wrong, right in (*_references(playbook, rule.when), *_references(playbook, wanted)):
        problems.add(rule.line, f"unknown {kind} {wrong!r}: {guess(wrong, right)}")


def _references(playbook: Playbook, when: When) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Every name in a condition that does not exist: (kind, name, what exists)."""
    rules = {rule.name for rule in playbook.rules}
    questions = {rule.question for rule in playbook.rules if rule.question}
    tools = (
        *when.done, *when.not_done, *when.failed, *when.not_called, *when.just_answered, *when.available, *when.unavailable,
        *when.error, *when.fewer_calls, *(tool for tool, _ in when.result),
    )  # fmt: skip
    wanted: list[tuple[str, Iterable[str], set[str] | frozenset[str]]] = [
        ("fact", (*when.known, *when.missing), {*playbook.facts, *BUILT_IN}),
        ("tool", tools, set(playbook.tools)),
        ("question", (*when.answer, *when.gave_up), questions),
        ("rule", (*when.said, *when.not_said, *when.turns_since), rules),
        ("intent", (*when.intent, *when.pending), {"billing", "technical", "sales", "escalation", "general"}),
        ("service", (*when.service, *when.visited), set(DIRECTORY)),
        ("mood", when.mood, {mood.value for mood in Mood}),
    ]
    for kind, names, right in wanted:
        yield from ((kind, name, right) for name in names if name not in right)
    for part in (*when.any_of, *when.none_of, *when.all_of):
        yield from _references(playbook, part)


def _hole_problems(playbook: Playbook, phrase: Phrase) -> Iterator[str]:
    for hole in phrase.holes:
        owner, dot, _ = hole.name.partition(".")
        if hole.format not in FORMATS:
            yield f"unknown format {hole.format!r}: {guess(hole.format, filter(None, FORMATS))}"
        if owner == "knowledge" and dot:
            keys = {f"knowledge.{key}" for key in playbook.knowledge}
            if hole.name not in keys:
                yield f"unknown knowledge {hole.name!r}: {guess(hole.name, keys)}"
        elif dot and owner not in {*playbook.tools, "effect"}:
            yield f"unknown tool {owner!r} in {{{hole.name}}}: {guess(owner, playbook.tools)}"
        elif not dot and hole.name not in {*playbook.facts, *BUILT_IN}:
            yield f"unknown fact {hole.name!r}: {guess(hole.name, {*playbook.facts, *BUILT_IN})}"


def _check_cycles(playbook: Playbook, problems: Problems) -> None:
    needs = {
        name: {h.name.partition(".")[0] for p in tool.arguments.values() for h in p.holes if "." in h.name}
        & set(playbook.tools)
        for name, tool in playbook.tools.items()
    }

    def reaches(start: str, goal: str, seen: frozenset[str]) -> bool:
        return any(n == goal or (n not in seen and reaches(n, goal, seen | {n})) for n in needs[start])

    for name in needs:
        if reaches(name, name, frozenset()):
            problems.add(1, f"the tool {name!r} needs its own result: take the placeholder out of its arguments")
