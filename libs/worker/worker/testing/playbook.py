"""Plays a whole dialogue against a playbook, without a room: for the tests of services."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from worker.playbook.conversation import Conversation, Said, Speaker, ToolUse
from worker.playbook.playbook import Decision, Playbook, decide
from worker.playbook.story import Story
from worker.understanding.extract import facts_in

_MAX_STEPS = 6
"""As many tool calls in a row as an agent's session allows."""


class ToolFails(Exception):
    """Raised by a test's tool to answer with an error; the message is what the brain reads."""


@dataclass
class Play:
    """A conversation between a test and a playbook.

    ``tools`` are functions of their arguments that return a JSON object or a plain sentence, or raise ToolFails.
    ``learned`` maps a tool to the facts that the agent notes from its result, {fact: field}; the proof that ``verify_identity``
    gives is noted as an agent notes it.
    """

    playbook: Playbook
    tools: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    learned: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    story: Story = field(default_factory=Story)
    call_id: str = "call-1"
    conversation: Conversation = field(default_factory=Conversation)
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def caller(self, text: str, *, confidence: float | None = None) -> str:
        """The caller says something; returns all that is said in answer."""
        self.heard(text, confidence=confidence)
        return self.go_on()

    def heard(self, text: str, *, confidence: float | None = None) -> None:
        """The caller said something, and nobody has answered yet."""
        question = next((t.text for t in reversed(self.conversation.agent_turns)), "")
        self.facts |= dict(facts_in(text, question))
        self._add(Said(Speaker.CALLER, text, confidence))

    def agent(self, text: str, *, was_interrupted: bool = False) -> None:
        """An agent says something that is not the playbook's: a greeting, a prompt."""
        self._add(Said(Speaker.AGENT, text, None, was_interrupted))

    def note(self, text: str) -> str:
        """A system message comes in; returns what is said about it."""
        self._add(Said(Speaker.NOTE, text))
        return self.go_on()

    def interrupted_after(self, words: int) -> None:
        """The last thing said was cut off after so many words."""
        last = self.conversation.items[-1]
        assert isinstance(last, Said)
        heard = replace(last, text=" ".join(last.text.split()[:words]), was_interrupted=True)
        self.conversation = Conversation((*self.conversation.items[:-1], heard))

    def forget_tools(self) -> None:
        """As after a crash: what was said is in the record, the tools' calls are not."""
        self.conversation = Conversation(tuple(i for i in self.conversation.items if isinstance(i, Said)))

    def go_on(self) -> str:
        """Lets the playbook decide until it waits for the caller; returns all that it says."""
        spoken = []
        for _ in range(_MAX_STEPS):
            decision = decide(
                self.playbook,
                self.conversation,
                self.facts,
                frozenset(self.tools),
                story=self.story,
                call_id=self.call_id,
            )
            self.decisions.append(decision)
            if decision.say:
                spoken.append(decision.say)
                self._add(Said(Speaker.AGENT, decision.say))
            if decision.call is None or self._run(decision.call.name, dict(decision.call.arguments)):
                return " ".join(spoken)
        raise AssertionError(
            f"the playbook calls one tool after another: {[name for name, _ in self.calls[-_MAX_STEPS:]]}"
        )

    def called(self, name: str) -> list[dict[str, str]]:
        """The arguments of each call of a tool."""
        return [arguments for tool, arguments in self.calls if tool == name]

    def _run(self, name: str, arguments: dict[str, str]) -> bool:
        """Calls a tool; True when the agent does not answer after it (``end_call``, a transfer that worked)."""
        self.calls.append((name, arguments))
        try:
            result = self.tools[name](**arguments)
        except ToolFails as e:
            self._add(ToolUse.of(name, json.dumps(arguments), str(e), failed=True))
            return False
        if result is None:
            return True
        self._add(
            ToolUse.of(
                name, json.dumps(arguments), result if isinstance(result, str) else json.dumps(result), failed=False
            )
        )
        if isinstance(result, dict):
            learned = self.learned.get(name, {})
            self.facts |= {fact: str(result[key]) for fact, key in learned.items() if result.get(key)}
            if name == "verify_identity" and result.get("verified"):
                self.facts |= {"identity_capability": "verified", "display_name": str(result.get("name", ""))}
        return False

    def _add(self, item: Said | ToolUse) -> None:
        self.conversation = Conversation((*self.conversation.items, item))
