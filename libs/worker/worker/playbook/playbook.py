"""The playbook decides what to say or do next: a pure function of the conversation so far, with no state of its own.

The first rule that fits decides. What was said is found by its words in the agent's turns, what was done by the tools' calls
and answers, and by the call's record; so the playbook may take over from a model, or from a crashed agent, in the middle of
any call. What it knows is in ``playbook_known``, what was said in ``playbook_heard``, the conditions in ``playbook_when``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.playbook.conversation import Conversation
from worker.playbook.heard import Heard
from worker.playbook.known import Known
from worker.playbook.phrases import HEARD_ENOUGH, Phrase
from worker.playbook.rules import Playbook, Rule
from worker.playbook.story import Story
from worker.playbook.when import Conditions
from worker.playbook.yaml import PlaybookError, load

__all__ = ["Decision", "Playbook", "PlaybookError", "ToolCall", "decide", "load"]

_NO_STORY = Story()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool to call now."""

    name: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next; ``rule`` is the name of the rule that decided."""

    rule: str
    say: str = ""
    call: ToolCall | None = None


def decide(
    playbook: Playbook,
    conversation: Conversation,
    facts: Mapping[str, str],
    tools: Collection[str],
    *,
    story: Story = _NO_STORY,
    call_id: str = "",
) -> Decision:
    """The next step. ``facts`` are known values by name, ``tools`` the names of the tools at hand, ``story`` what has become
    of the call so far. Never raises, never empty."""
    moment = _Moment(playbook, conversation, Known(playbook, conversation, facts, story, call_id), frozenset(tools))
    for rule in playbook.rules:
        if rule.instead_of is None and (decision := moment.decision(rule)) is not None:
            return decision
    # The loader makes sure that the last rule always speaks.
    return Decision(playbook.rules[-1].name, playbook.rules[-1].phrases[0].text)


class _Moment:
    def __init__(self, playbook: Playbook, conversation: Conversation, known: Known, tools: frozenset[str]) -> None:
        self._playbook = playbook
        self._known = known
        self._tools = tools
        self._heard = Heard(playbook, conversation, known)
        self._conditions = Conditions(playbook, conversation, known, self._heard, tools)

    def decision(self, rule: Rule) -> Decision | None:
        """What the rule does now; None when it does not hold, or has nothing (more) to do."""
        if not self._conditions.hold(rule.when):
            return None
        call = self._call(rule)
        if rule.call is not None and call is None:
            return None
        phrase = self._phrase(rule)
        text = phrase.fill(self._known.value) if phrase is not None else None
        if phrase is not None and text is None:
            return None  # a value is missing: nobody hears a sentence with a hole
        if text is None and call is None:
            return None
        if text is not None and rule.onward and (onward := self._onward(rule)) is not None:
            return onward
        return Decision(rule.name, text or "", call)

    def _onward(self, rule: Rule) -> Decision | None:
        """The rule's words without its question, and what another rule puts in the question's place."""
        for other in self._playbook.instead_of(rule.question):
            text = rule.onward[other.name].fill(self._known.value)
            if text is not None and (instead := self.decision(other)) is not None:
                return Decision(rule.name, text, instead.call)
        return None

    def _call(self, rule: Rule) -> ToolCall | None:
        if rule.call is None:
            return None
        tool = self._playbook.tools[rule.call]
        arguments = self._known.arguments(tool)
        return ToolCall(tool.call, arguments) if arguments is not None and tool.call in self._tools else None

    def _phrase(self, rule: Rule) -> Phrase | None:
        """The words to say now; None for a rule without any, or when they have been said."""
        if rule.say is None:
            return None
        if rule.again is None:
            return rule.say if rule.repeat or not self._heard.said(rule) else None
        times = self._heard.asked(rule)
        if len(times) > len(rule.again):
            return None
        # A question that was cut off is asked in its first words again: the caller has not heard it.
        whole = sum(share >= HEARD_ENOUGH for _, share, _ in times)
        return rule.again[whole - 1] if whole else rule.say
