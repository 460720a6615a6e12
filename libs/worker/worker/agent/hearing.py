"""What a caller's turn tells: the turn itself, facts, what he wants (now and besides), and how he feels. All of it is noted."""

from __future__ import annotations

import re

from handoff.call import Intent, Role, Source
from handoff.directory import DIRECTORY, Entry

from worker.agent.mood import told_of_mood
from worker.checkpoint import Checkpoint
from worker.playbook.route import is_meant
from worker.playbook.story import last_question, last_words
from worker.understanding import intent as understanding
from worker.understanding import sentiment
from worker.understanding.extract import facts_in

_TAKES_BACK = re.compile(r"\b(?:forget|never ?mind|drop|skip|don't (?:worry|bother))\b", re.IGNORECASE)


class Hearing:
    """The ears of one agent's memory; ``service`` is the agent's own."""

    def __init__(self, checkpoint: Checkpoint, service: str) -> None:
        self._checkpoint = checkpoint
        self._service = service
        self._own = DIRECTORY[service].intents if service in DIRECTORY else frozenset[str]()
        self._meant: tuple[Intent, ...] = ()
        """What the caller has wanted since an agent spoke last."""

    @staticmethod
    def expect(text: str) -> None:
        """These words may soon be a turn: what takes longest in understanding them is done now, in the pause, and kept."""
        understanding.find_intents(text)

    def note(self, text: str, *, just_said: str = "") -> list[tuple[str, str]]:
        """A turn of the caller was heard; returns the facts in it, name and value. ``just_said``: what he said before it in the same
        breath; by default all since an agent spoke last."""
        checkpoint = self._checkpoint
        before = [turn.text for turn in checkpoint.call.turns if turn.role is Role.CALLER]
        if not (just_said := just_said or last_words(checkpoint.call)):
            self._meant = ()
        facts = facts_in(f"{just_said} {text}".strip(), self._last_question())
        checkpoint.note_turn(Role.CALLER, text)
        for name, value in facts:
            checkpoint.note_fact(name, value, source=Source.CALLER)
        found = self._wishes_in(text)
        if not self._drops(found, text):
            self._note_intents(self._in_one_breath(found, f"{just_said} {text}") if just_said else found)
        if text.strip():
            mood = sentiment.update(checkpoint.call.sentiment, text, before)
            checkpoint.note(sentiment=mood)
            told_of_mood(mood, checkpoint.call.call_id)
        return facts

    def hand_on(self, taker: Entry) -> Intent | None:
        """What of the caller's wishes goes to ``taker``; None when nothing that was understood fits it.

        What the same turn wanted of this service is noted as pending: it is not done yet, and the call will come back for it.
        Customer care takes the whole matter, whatever it is.
        """
        call = self._checkpoint.call
        takes_all = "escalation" in taker.intents
        if not takes_all:
            left = tuple(meant for meant in self._meant if meant.name in self._own)
            self._note_pending((*call.pending_intents, *left))
        wanted = [intent for intent in (call.intent, *call.pending_intents) if intent is not None]
        fits = next((intent for intent in wanted if intent.name in taker.intents), None)
        last = call.intent
        if fits and last is not None and not takes_all and last.name not in taker.intents | self._own:
            # It goes with neither of them, and must not be forgotten for that.
            self._note_pending((*self._checkpoint.call.pending_intents, last))
        return fits or (call.intent if takes_all else None)

    def _wishes_in(self, text: str) -> tuple[Intent, ...]:
        return tuple(i for i in understanding.find_intents(text) if is_meant(i, text, self._service))

    def _in_one_breath(self, found: tuple[Intent, ...], text: str) -> tuple[Intent, ...]:
        """The wishes of a sentence that reached us in pieces ("I was charged twice." "And the app keeps crashing."): each piece by itself
        would make the last of them the only one."""
        whole = self._wishes_in(text)
        return whole if found and {i.name for i in found} <= {i.name for i in whole} else found

    def _drops(self, found: tuple[Intent, ...], text: str) -> bool:
        """Whether the caller takes back what waited ("never mind the bill"), and nothing else; it waits no longer then."""
        names = {intent.name for intent in found}
        pending = self._checkpoint.call.pending_intents
        if not names or not _TAKES_BACK.search(text) or not names <= {intent.name for intent in pending}:
            return False
        self._note_pending(tuple(intent for intent in pending if intent.name not in names))
        return True

    def _note_intents(self, found: tuple[Intent, ...]) -> None:
        """Ours first, when the caller wants several things: he has it here already. Only escalation goes before everything."""
        if not found:
            return
        self._meant = (*self._meant, *found)
        ours = next((intent for intent in found if intent.name in self._own), None)
        now = ours if ours is not None and found[0].name != "escalation" else found[0]
        self._checkpoint.note_intent(now)
        others = tuple(intent for intent in found if intent is not now and intent.name not in self._own)
        waiting = tuple(p for p in self._checkpoint.call.pending_intents if p.name != now.name)
        self._note_pending((*waiting, *others))

    def _note_pending(self, pending: tuple[Intent, ...]) -> None:
        once = tuple({intent.name: intent for intent in pending}.values())
        if once != self._checkpoint.call.pending_intents:
            self._checkpoint.note(pending_intents=once)

    def _last_question(self) -> str:
        return last_question(self._checkpoint.call)
