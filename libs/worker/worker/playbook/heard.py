"""What a playbook's rules have said so far in a conversation, what they have asked, and how the caller answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from worker.playbook.conversation import Answer, Conversation, Said, has_none
from worker.playbook.known import Known
from worker.playbook.phrases import HEARD_ENOUGH, Phrase
from worker.playbook.rules import Playbook, Rule


@dataclass
class Heard:
    """One look at the conversation; everything is computed when a rule asks for it."""

    playbook: Playbook
    conversation: Conversation
    known: Known
    _shares: dict[tuple[int, int], tuple[float, bool]] = field(default_factory=dict)

    def times(self, rule: Rule) -> list[tuple[Said, float, bool]]:
        """Each time that something of this rule was said: the turn, how much of it was heard, whether with today's values."""
        found = []
        for turn in self.conversation.agent_turns:
            share, is_current = max((self._heard(p, turn) for p in rule.phrases), default=(0.0, False))
            if share:
                found.append((turn, share, is_current))
        return found

    def _heard(self, phrase: Phrase, turn: Said) -> tuple[float, bool]:
        key = (id(phrase), id(turn))
        if key not in self._shares:
            self._shares[key] = phrase.share_heard(turn.text, self.known.value, was_interrupted=turn.was_interrupted)
        return self._shares[key]

    def said(self, rule: Rule) -> bool:
        """Whether it was said as it would be said now."""
        return any(is_current for _, _, is_current in self.times(rule))

    def turns_since(self, rule: Rule) -> int:
        """How many turns the caller has had since it spoke; -1 when it never did."""
        times = self.times(rule)
        return self.conversation.caller_turns_since(times[-1][0]) if times else -1

    # --- questions ------------------------------------------------------------------------------------------------
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

        Who has none of what was asked for may say so in a yes or a no. A yes needs a question that was heard with the values of now: nobody agrees to what was not said to him.
        """
        if self._last_question is None or self._last_question[0].question != question:
            return False
        if wanted is Answer.HAS_NONE:
            return has_none(self.conversation.last_words)
        _, share, is_current = self._last_question
        answer = self.conversation.answer(min_confidence=self.playbook.min_confidence)
        if answer is Answer.YES and not (is_current and share >= HEARD_ENOUGH):
            answer = Answer.UNCLEAR
        return answer is wanted

    def gave_up(self, question: str) -> bool:
        """Whether it has been asked as often as it may be."""
        asks = [rule for rule in self.playbook.rules if rule.question == question and rule.again is not None]
        return any(len(self.asked(rule)) > len(rule.again or ()) for rule in asks)

    def asked(self, rule: Rule) -> list[tuple[Said, float, bool]]:
        """The times that count against an ask: all, or for an ask ``anew`` those with today's values.

        What was repeated because the caller wanted to hear it again does not count; nor does what another service asked before
        the call came here: who went on to something else there has not left it unanswered here.
        """
        repeated = {id(turn) for turn in self.conversation.repeated}
        return [t for t in self.times(rule) if (t[2] or not rule.anew) and id(t[0]) in self._here - repeated]

    @cached_property
    def _here(self) -> frozenset[int]:
        return frozenset(map(id, self.conversation.agent_turns_from(self.known.story.began_with)))

    @cached_property
    def is_unhelped(self) -> bool:
        """Whether something was refused or failed, and nothing else came of the call."""
        spoke = {rule.helped for turn in self.conversation.agent_turns if (rule := self._speaker(turn)) is not None}
        return False in spoke and True not in spoke and not self.known.story.effects

    def _speaker(self, turn: Said) -> Rule | None:
        """The rule that said it: of several that fit, the one with the most words of its own."""
        fits = [
            (p.own_words, n)
            for n, rule in enumerate(self.playbook.rules)
            for p in rule.phrases
            if self._heard(p, turn)[0]
        ]
        return self.playbook.rules[max(fits)[1]] if fits else None
