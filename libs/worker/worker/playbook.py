"""The playbook decides what to say or do next: a pure function of the conversation so far, with no state of its own.

The first rule that fits decides. What was said is found by its words in the agent's turns, what was done by the tools' calls
and answers; so the playbook may take over from a model, or from a crashed agent, in the middle of any call.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from handoff.call import Fact, Intent, Role, Source, Turn
from handoff.directory import service_for
from handoff.redact import redact
from handoff.summary import summarise

from worker.conversation import Answer, Conversation, Said, Speaker, ToolUse
from worker.intent import find_intent
from worker.phrases import HEARD_ENOUGH, Phrase
from worker.playbook_rules import Playbook, Rule, Tool, When
from worker.playbook_yaml import PlaybookError, load

__all__ = ["Decision", "Playbook", "PlaybookError", "ToolCall", "decide", "load"]


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
    call_id: str = "",
) -> Decision:
    """The next step. ``facts`` are known values by name, ``tools`` the names of the tools at hand. Never raises, never empty."""
    moment = _Moment(playbook, conversation, facts, frozenset(tools), call_id)
    for rule in playbook.rules:
        if moment.holds(rule.when) and (decision := moment.action(rule)) is not None:
            return decision
    # The loader makes sure that the last rule always speaks.
    return Decision(playbook.rules[-1].name, playbook.rules[-1].phrases[0].text)


@dataclass(frozen=True, slots=True)
class _State:
    """What came of a tool with the arguments as they are known now."""

    uses: tuple[ToolUse, ...]

    @property
    def last(self) -> ToolUse | None:
        return self.uses[-1] if self.uses else None

    @property
    def done(self) -> bool:
        return self.last is not None and not self.last.failed

    @property
    def failed(self) -> bool:
        return self.last is not None and self.last.failed


@dataclass
class _Moment:
    """One look at the conversation; everything is computed when a rule asks for it."""

    playbook: Playbook
    conversation: Conversation
    facts: Mapping[str, str]
    tools: frozenset[str]
    call_id: str
    _states: dict[str, _State] = field(default_factory=dict)

    # --- values ---------------------------------------------------------------------------------------------------
    def value(self, name: str) -> str | None:
        """What a placeholder stands for; None when not known."""
        owner, dot, field_name = name.partition(".")
        if not dot:
            return self.facts.get(name) or self._built_in(name) or None
        if owner == "knowledge":
            return self.playbook.knowledge.get(field_name)
        use = self.state(owner).last
        if use is None:
            return None
        # What a tool was asked with stays sayable when it failed: "I can't find ...".
        return _text((use.result or {}).get(field_name)) or _text(use.arguments.get(field_name))

    def _built_in(self, name: str) -> str:
        match name:
            case "call_id":
                return self.call_id
            case "intent":
                return self.intent.name if self.intent else ""
            case "specialist":
                return self.specialist
            case "summary":
                return self._summary()
        return ""

    @cached_property
    def intent(self) -> Intent | None:
        """Of the caller's last words."""
        return find_intent(self.conversation.last_words)

    @cached_property
    def specialist(self) -> str:
        """The other service that takes this intent; empty when there is none."""
        entry = service_for(self.intent.name) if self.intent else None
        return entry.name if entry is not None and entry.name != self.playbook.service else ""

    def _summary(self) -> str:
        """For a specialist: what the caller wants and what is known, redacted as everything that leaves."""
        turns = [Turn(Role.CALLER, redact(text), 0.0) for text in self.conversation.caller_turns]
        known = [
            Fact(n, v, Source.CALLER, 0.0) for n, v in sorted(self.facts.items()) if n in self.playbook.facts and v
        ]
        intents = (find_intent(text) for text in reversed(self.conversation.caller_turns))
        return summarise(next(filter(None, intents), Intent("general", 0.0, "keywords")), known, turns)

    # --- tools ----------------------------------------------------------------------------------------------------
    def state(self, name: str) -> _State:
        """The uses of a tool whose arguments (and answers) agree with what is known now, in order."""
        if name not in self._states:
            tool = self.playbook.tools[name]
            arguments = self.arguments(tool, tool.known_by)
            uses = [i for i in self.conversation.items if isinstance(i, ToolUse) and i.name == tool.call]
            same = [_judged(use, tool) for use in uses if arguments is not None and _agrees(use, arguments, tool)]
            self._states[name] = _State(tuple(same))
        return self._states[name]

    def arguments(self, tool: Tool, names: Collection[str] | None = None) -> dict[str, str] | None:
        """The arguments (of these ``names``) with their values; None when one that is needed is not known."""
        wanted = {name: tool.arguments[name] for name in (tool.arguments if names is None else names)}
        filled = {name: phrase.fill(self.value) for name, phrase in wanted.items()}
        if any(value is None and name not in tool.optional for name, value in filled.items()):
            return None
        return {name: value for name, value in filled.items() if value is not None}

    def _fresh(self, name: str) -> bool:
        """Whether the tool answered after the caller last spoke. Judged copies stand for the items they were made of."""
        tool, last = self.playbook.tools[name], self.state(name).last
        if last is None:
            return False
        items = [i for i in self.conversation.items if isinstance(i, ToolUse) and i.name == tool.call]
        return self.conversation.fresh(items[-1]) and items[-1].output == last.output

    # --- what was said --------------------------------------------------------------------------------------------
    def _times(self, rule: Rule) -> list[tuple[Said, float, bool]]:
        """Each time that something of this rule was said: the turn, how much of it was heard, whether with today's values."""
        found = []
        for turn in self.conversation.agent_turns:
            share, is_current = max((self._heard(p, turn) for p in rule.phrases), default=(0.0, False))
            if share:
                found.append((turn, share, is_current))
        return found

    def _heard(self, phrase: Phrase, turn: Said) -> tuple[float, bool]:
        return phrase.share_heard(turn.text, self.value, was_interrupted=turn.was_interrupted)

    def said(self, rule: Rule) -> bool:
        """Whether it was said as it would be said now."""
        return any(is_current for _, _, is_current in self._times(rule))

    @cached_property
    def _last_question(self) -> tuple[Rule, float, bool] | None:
        """The rule whose question an agent asked last, how much of it was heard, and whether with today's values."""
        questions = [rule for rule in self.playbook.rules if rule.question]
        for turn in reversed(self.conversation.agent_turns):
            # With today's values before yesterday's, the rule that fits best before one that fits too.
            heard = [
                (is_current, share, n)
                for n, rule in enumerate(questions)
                for share, is_current in self._each(rule, turn)
            ]
            if heard:
                is_current, share, n = max(heard, key=lambda h: (h[0], h[1], -h[2]))
                return questions[n], share, is_current
        return None

    def _each(self, rule: Rule, turn: Said) -> list[tuple[float, bool]]:
        return [heard for phrase in rule.phrases if (heard := self._heard(phrase, turn))[0]]

    def answered(self, question: str, wanted: Answer) -> bool:
        """Whether the caller's last words are that answer to the last question.

        A yes needs a question that was heard with the values of now: nobody agrees to what was not said to him.
        """
        if self._last_question is None or self._last_question[0].question != question:
            return False
        _, share, is_current = self._last_question
        answer = self.conversation.answer(min_confidence=self.playbook.min_confidence)
        if answer is Answer.YES and not (is_current and share >= HEARD_ENOUGH):
            answer = Answer.UNCLEAR
        return answer is wanted

    def gave_up(self, question: str) -> bool:
        """Whether it has been asked as often as it may be."""
        asks = [rule for rule in self.playbook.rules if rule.question == question and rule.again is not None]
        return any(len(self._asked(rule)) > len(rule.again or ()) for rule in asks)

    def _asked(self, rule: Rule) -> list[tuple[Said, float, bool]]:
        """The times that count against an ask: all, or for an ask ``anew`` those with today's values."""
        return [t for t in self._times(rule) if t[2] or not rule.anew]

    # --- conditions -----------------------------------------------------------------------------------------------
    def holds(self, when: When) -> bool:
        """Whether every condition holds; the cheap ones are looked at first."""
        return (
            all(self.facts.get(name) for name in when.known)
            and not any(self.facts.get(name) for name in when.missing)
            and self._words_hold(when)
            and self._tools_hold(when)
            and all(self.answered(question, answer) for question, answer in when.answer.items())
            and all(self.gave_up(question) for question in when.gave_up)
            and all(self.said(self.playbook.rule(name)) for name in when.said)
            and not any(self.said(self.playbook.rule(name)) for name in when.not_said)
            and all(self._turns_since(name) >= n for name, n in when.turns_since.items())
            and (not when.any_of or any(self.holds(part) for part in when.any_of))
            and not any(self.holds(part) for part in when.none_of)
        )

    def _words_hold(self, when: When) -> bool:
        last = self.conversation.last_words
        return (
            (not when.intent or (self.intent is not None and self.intent.name in when.intent))
            and (when.specialist is None or bool(self.specialist) is when.specialist)
            and (when.heard is None or any(when.heard.search(turn) for turn in self.conversation.caller_turns))
            and (when.heard_now is None or bool(when.heard_now.search(last)))
            and (when.told is None or any(when.told.search(note) for note in self._notes()))
        )

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
        return (
            at_hand.issuperset(when.available)
            and not at_hand.intersection(when.unavailable)
            and all(self.state(name).done for name in when.done)
            and not any(self.state(name).done for name in when.not_done)
            and all(self.state(name).failed for name in when.failed)
            and not any(self.state(name).uses for name in when.not_called)
            and all(self._fresh(name) for name in when.just_answered)
            and all(len(self.state(name).uses) < n for name, n in when.fewer_calls.items())
            and all(self._error_is(name, pattern) for name, pattern in when.error.items())
            and all((self.value(f"{t}.{f}") or "").lower() in values for (t, f), values in when.result.items())
        )

    def _error_is(self, name: str, pattern: object) -> bool:
        last = self.state(name).last
        return last is not None and last.failed and bool(pattern.search(last.output))  # type: ignore[attr-defined]

    def _turns_since(self, name: str) -> int:
        times = self._times(self.playbook.rule(name))
        return self.conversation.caller_turns_since(times[-1][0]) if times else -1

    # --- actions --------------------------------------------------------------------------------------------------
    def action(self, rule: Rule) -> Decision | None:
        """What the rule does now, or None when it has nothing (more) to do."""
        call = self._call(rule)
        if rule.call is not None and call is None:
            return None
        phrase = self._phrase(rule)
        text = phrase.fill(self.value) if phrase is not None else None
        if phrase is not None and text is None:
            return None  # a value is missing: nobody hears a sentence with a hole
        if text is None and call is None:
            return None
        return Decision(rule.name, text or "", call)

    def _call(self, rule: Rule) -> ToolCall | None:
        if rule.call is None:
            return None
        tool = self.playbook.tools[rule.call]
        arguments = self.arguments(tool)
        return ToolCall(tool.call, arguments) if arguments is not None and tool.call in self.tools else None

    def _phrase(self, rule: Rule) -> Phrase | None:
        """The words to say now; None for a rule without any, or when they have been said."""
        if rule.say is None:
            return None
        if rule.again is None:
            return rule.say if rule.repeat or not self.said(rule) else None
        times = self._asked(rule)
        if len(times) > len(rule.again):
            return None
        # A question that was cut off is asked in its first words again: the caller has not heard it.
        whole = sum(share >= HEARD_ENOUGH for _, share, _ in times)
        return rule.again[whole - 1] if whole else rule.say


def _agrees(use: ToolUse, arguments: Mapping[str, str], tool: Tool) -> bool:
    """Whether nothing it was asked with, or answered, contradicts what is known now."""
    for name in tool.known_by:
        now = arguments.get(name)
        then = _text(use.arguments.get(name)) or _text((use.result or {}).get(name))
        if now and then and _plain(now) != _plain(then):
            return False
    return True


def _judged(use: ToolUse, tool: Tool) -> ToolUse:
    if tool.fails_like is None or use.failed or not tool.fails_like.search(use.output):
        return use
    return ToolUse(use.name, use.arguments, use.output, None, True)


def _text(value: object) -> str | None:
    """A JSON value as text; nothing, empty text and anything nested (nobody can say it) are no value."""
    if value is None or value == "" or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
