"""What a playbook knows at one moment: facts, the values of placeholders, and what came of its tools."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from handoff.call import Intent

from worker.playbook.conversation import Conversation, ToolUse
from worker.playbook.phrases import LAST_QUESTION
from worker.playbook.route import leads_to, other_service
from worker.playbook.rules import Playbook, Tool
from worker.playbook.story import Story
from worker.playbook.uses import ToolState, agreeing, judged, text_of, uses_of
from worker.playbook.words import asked_for, is_waiting, pending_words, summary
from worker.telephone.phone import KEYPAD
from worker.understanding.intent import find_intents
from worker.understanding.phone_numbers import callback_number


@dataclass
class Known:
    """One look at the conversation; everything is computed when a rule asks for it."""

    playbook: Playbook
    conversation: Conversation
    facts: Mapping[str, str]
    story: Story
    call_id: str
    _states: dict[str, ToolState] = field(default_factory=dict)

    # --- values ---------------------------------------------------------------------------------------------------
    def value(self, name: str) -> str | None:
        """What a placeholder stands for; None when not known."""
        owner, dot, field_name = name.partition(".")
        if not dot:
            return self.facts.get(name) or self._built_in(name) or None
        if owner == "knowledge":
            return self.playbook.knowledge.get(field_name)
        if owner == "effect":
            return self._effect(field_name)
        use = self.state(owner).last
        if use is None:
            return None
        # What a tool was asked with stays sayable when it failed: "I can't find ...".
        return text_of((use.result or {}).get(field_name)) or text_of(use.arguments.get(field_name))

    def _built_in(self, name: str) -> str:
        match name:
            case "call_id":
                return self.call_id
            case "intent":
                return self.intents[0].name if self.intents else ""
            case "specialist":
                return self.specialist
            case "tried":
                return self._tried
            case "pending":
                return pending_words(self.pending, self.conversation.caller_turns) if self.pending else ""
            case "pending_service":
                return other_service(self.pending, self.playbook.service)
            case "last_said":
                return self._last_said
            case "last_question":
                found = LAST_QUESTION.search(self._last_said)
                return found[0].strip() if found else ""
            case "asked_for":
                return asked_for(self._last_said)
            case "returning":
                return self.story.services[-2] if self.story.is_returning and len(self.story.services) > 1 else ""
            case "keypad":
                return KEYPAD if self.story.is_on_the_phone else ""
            case "callback_number":
                return callback_number(self.conversation.exchanges)
            case "summary":
                return summary(self.conversation.caller_turns, self.facts, self.playbook.facts, self.story.effects)
        return ""

    @cached_property
    def intents(self) -> tuple[Intent, ...]:
        """Of the caller's last words, most urgent first."""
        return find_intents(self.conversation.last_words)

    @cached_property
    def specialist(self) -> str:
        """The other service that the last words ask for; empty when there is none."""
        return leads_to(self.intents, self.conversation.last_words, self.playbook.service)

    @cached_property
    def pending(self) -> str:
        """The first intent that waits and that another service takes; empty when there is none.

        A general question that triage heard, it has answered.
        """
        heard_by_triage = {"general"} if "triage" in self.story.services else set()
        waiting = (name for name in self.story.pending_intents if name not in heard_by_triage)
        return next((name for name in waiting if other_service(name, self.playbook.service)), "")

    @property
    def _tried(self) -> str:
        uses = [i for i in self.conversation.items if isinstance(i, ToolUse) and i.name == "transfer_call"]
        return (text_of(uses[-1].arguments.get("service")) or "") if uses else ""

    @property
    def _last_said(self) -> str:
        """Not what was cut off: of that nobody knows the end, so the rule that said it says it again. Nor a mere "take your time"."""
        turns = [t for t in self.conversation.agent_turns if not is_waiting(t.text)]
        return turns[-1].text if turns and not turns[-1].was_interrupted else ""

    def _effect(self, tool: str) -> str | None:
        lines = [line.split() for line in self.story.effects if line.split()[:1] == [tool]]
        return lines[-1][1] if lines and len(lines[-1]) > 1 else None

    # --- tools ----------------------------------------------------------------------------------------------------
    def state(self, name: str) -> ToolState:
        """The uses of a tool whose arguments (and answers) agree with what is known now, in order."""
        if name not in self._states:
            tool = self.playbook.tools[name]
            arguments = self.arguments(tool, tool.known_by)
            uses = uses_of(tool, self.conversation) if arguments is not None else []
            same = agreeing(uses, arguments or {}, tool)
            self._states[name] = ToolState(tuple(judged(use, tool) for use in same))
        return self._states[name]

    def arguments(self, tool: Tool, names: Collection[str] | None = None) -> dict[str, str] | None:
        """The arguments (of these ``names``) with their values; None when one that is needed is not known."""
        wanted = {name: tool.arguments[name] for name in (tool.arguments if names is None else names)}
        filled = {name: phrase.fill(self.value) for name, phrase in wanted.items()}
        if any(value is None and name not in tool.optional for name, value in filled.items()):
            return None
        return {name: value for name, value in filled.items() if value is not None}

    def fresh(self, name: str) -> bool:
        """Whether the tool answered after the caller last spoke. Judged copies stand for the items they were made of."""
        last, uses = self.state(name).last, uses_of(self.playbook.tools[name], self.conversation)
        return last is not None and self.conversation.fresh(uses[-1]) and uses[-1].output == last.output
