"""Whether the conditions of a rule hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from worker.playbook.conversation import Answer, Conversation, Said, Speaker, ToolUse, yes_or_no
from worker.playbook.heard import Heard
from worker.playbook.known import Known
from worker.playbook.rules import Playbook, When
from worker.understanding import keywords
from worker.understanding.extract import facts_in
from worker.understanding.intent import is_out_of_scope


@dataclass
class Conditions:
    """One look at the conversation. ``tools`` are the names of the tools at hand."""

    playbook: Playbook
    conversation: Conversation
    known: Known
    heard: Heard
    tools: frozenset[str]

    def hold(self, when: When) -> bool:
        """Whether every condition holds; the cheap ones are looked at first."""
        heard = self.heard
        return (
            all(self.known.value(name) for name in when.known)
            and not any(self.known.value(name) for name in when.missing)
            and (not when.service or self.playbook.service in when.service)
            and self._story_holds(when)
            and self._words_hold(when)
            and self._tools_hold(when)
            and all(heard.answered(question, answer) for question, answer in when.answer.items())
            and all(heard.gave_up(question) for question in when.gave_up)
            and all(heard.said(self.playbook.rule(name)) for name in when.said)
            and not any(heard.said(self.playbook.rule(name)) for name in when.not_said)
            and all(heard.turns_since(self.playbook.rule(name)) >= n for name, n in when.turns_since.items())
            and (when.unhelped is None or heard.is_unhelped is when.unhelped)
            and (not when.any_of or any(self.hold(part) for part in when.any_of))
            and not any(self.hold(part) for part in when.none_of)
            and all(self.hold(part) for part in when.all_of)
        )

    def _story_holds(self, when: When) -> bool:
        story = self.known.story
        return (
            (when.frustrated is None or story.is_frustrated is when.frustrated)
            and (when.returning is None or story.is_returning is when.returning)
            and (not when.mood or story.mood in when.mood)
            and (not when.visited or not set(when.visited).isdisjoint(story.services[:-1]))
            and (not when.pending or self.known.pending in when.pending)
            and (when.effect is None or any(when.effect.search(line) for line in story.effects))
        )

    def _words_hold(self, when: When) -> bool:
        last = self.conversation.last_words
        return (
            (not when.intent or any(intent.name in when.intent for intent in self.known.intents))
            and (when.specialist is None or bool(self.known.specialist) is when.specialist)
            and (when.several is None or (len(self.known.intents) > 1) is when.several)
            and (when.heard is None or any(when.heard.search(turn) for turn in self.conversation.caller_turns))
            and (when.heard_now is None or bool(when.heard_now.search(last)))
            and (when.heard_before is None or (not last and bool(when.heard_before.search(self._before))))
            and (when.told is None or any(when.told.search(note) for note in self._notes()))
            and (when.out_of_scope is None or self._is_out_of_scope is when.out_of_scope)
            and (when.far_off is None or (self._is_out_of_scope and keywords.is_out_of_scope(last)) is when.far_off)
        )

    @property
    def _before(self) -> str:
        """What the caller said last, if agents have only announced and greeted since."""
        turns = self.conversation.caller_turns
        return turns[-1] if turns and self.known.story.services[:-1] else ""

    @cached_property
    def _is_out_of_scope(self) -> bool:
        """What answers the agent's question is not: a name, a number, a yes."""
        last, turns = self.conversation.last_words, self.conversation.agent_turns
        if not last or yes_or_no(last) is not Answer.UNCLEAR or facts_in(last, turns[-1].text if turns else ""):
            return False
        return is_out_of_scope(last)

    def _notes(self) -> list[str]:
        """Notes since the caller or an agent last spoke."""
        notes: list[str] = []
        for item in reversed(self.conversation.items):
            if isinstance(item, Said) and item.speaker is not Speaker.NOTE:
                break
            if isinstance(item, Said):
                notes.append(item.text)
        return notes

    def _tools_hold(self, when: When) -> bool:
        at_hand = {name for name, tool in self.playbook.tools.items() if tool.call in self.tools}
        known = self.known
        return (
            at_hand.issuperset(when.available)
            and not at_hand.intersection(when.unavailable)
            and all(known.state(name).done for name in when.done)
            and not any(known.state(name).done for name in when.not_done)
            and all(known.state(name).failed for name in when.failed)
            and not any(known.state(name).uses for name in when.not_called)
            and all(known.fresh(name) for name in when.just_answered)
            and all(len(known.state(name).uses) < n for name, n in when.fewer_calls.items())
            and all(self._error_is(name, pattern) for name, pattern in when.error.items())
            and (when.refused is None or self._newest_is_refused(when.refused))
            and all((known.value(f"{t}.{f}") or "").lower() in values for (t, f), values in when.result.items())
        )

    def _error_is(self, name: str, pattern: re.Pattern[str]) -> bool:
        last = self.known.state(name).last
        return last is not None and last.failed and bool(pattern.search(last.output))

    def _newest_is_refused(self, pattern: re.Pattern[str]) -> bool:
        newest = next((i for i in reversed(self.conversation.items) if isinstance(i, ToolUse)), None)
        return newest is not None and newest.failed and bool(pattern.search(newest.output))
