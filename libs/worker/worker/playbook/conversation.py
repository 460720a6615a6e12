"""A conversation as the playbook sees it: what was said by whom, which tools were called and what they answered.

Derived from the chat context alone, so that the playbook can stand in for a model at any moment.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Speaker(StrEnum):
    """Who said it; a ``NOTE`` is a system or developer message in the course of the call."""

    CALLER = "caller"
    AGENT = "agent"
    NOTE = "note"


class Answer(StrEnum):
    """How a caller answered a question: yes, no or unclear, and besides that he does not have what was asked for."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"
    HAS_NONE = "has_none"


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance. ``confidence`` (0 to 1) is speech to text's, None when not known. ``text`` is private."""

    speaker: Speaker
    text: str
    confidence: float | None = None
    was_interrupted: bool = False


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call with its answer. ``result`` is the answer's JSON object, None for a plain sentence or a failure."""

    name: str
    arguments: Mapping[str, Any]
    output: str
    result: Mapping[str, Any] | None = None
    failed: bool = False

    @classmethod
    def of(cls, name: str, arguments: str, output: str, *, failed: bool) -> ToolUse:
        """From the JSON texts of a function call and its output."""
        return cls(name, _json_object(arguments) or {}, output, None if failed else _json_object(output), failed)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything so far, oldest first."""

    items: tuple[Said | ToolUse, ...] = ()

    @property
    def caller_turns(self) -> tuple[str, ...]:
        """All that the caller said."""
        return tuple(i.text for i in self.items if isinstance(i, Said) and i.speaker is Speaker.CALLER)

    @property
    def agent_turns(self) -> tuple[Said, ...]:
        """All that agents said in this call, including what was interrupted."""
        return tuple(i for i in self.items if isinstance(i, Said) and i.speaker is Speaker.AGENT)

    @property
    def exchanges(self) -> tuple[tuple[str, str], ...]:
        """Each thing that the caller said, behind what an agent had said before it."""
        found, question = [], ""
        for item in self.items:
            if isinstance(item, Said) and item.speaker is Speaker.AGENT:
                question = item.text
            elif isinstance(item, Said) and item.speaker is Speaker.CALLER:
                found.append((question, item.text))
        return tuple(found)

    @property
    def repeated(self) -> tuple[Said, ...]:
        """The agents' turns that only say the turn before once more, because the caller wanted to hear it again."""
        turns = self.agent_turns
        return tuple(b for a, b in itertools.pairwise(turns) if a.text == b.text and not a.was_interrupted)

    def agent_turns_from(self, words: str) -> tuple[Said, ...]:
        """The agents' turns from the last one on that is ``words``; all of them when none is."""
        turns = self.agent_turns
        return turns[next((n for n in range(len(turns) - 1, -1, -1) if turns[n].text == words), 0) :]

    @property
    def unanswered(self) -> tuple[Said, ...]:
        """What the caller said since an agent last spoke."""
        said: list[Said] = []
        for item in reversed(self.items):
            if isinstance(item, Said) and item.speaker is Speaker.AGENT:
                break
            if isinstance(item, Said) and item.speaker is Speaker.CALLER:
                said.append(item)
        return tuple(reversed(said))

    @property
    def last_words(self) -> str:
        """What the caller said since an agent last spoke, as one text; empty when nothing."""
        return " ".join(said.text for said in self.unanswered)

    def fresh(self, item: ToolUse) -> bool:
        """Whether the caller has said nothing since this tool answered."""
        after = self.items[self._index(item) + 1 :]
        return not any(isinstance(i, Said) and i.speaker is Speaker.CALLER for i in after)

    def caller_turns_since(self, said: Said) -> int:
        """How many turns the caller has had since."""
        after = self.items[self._index(said) + 1 :]
        return sum(isinstance(i, Said) and i.speaker is Speaker.CALLER for i in after)

    def _index(self, item: Said | ToolUse) -> int:
        """By identity: the same words may have been said before."""
        return next(n for n in range(len(self.items) - 1, -1, -1) if self.items[n] is item)

    def answer(self, *, min_confidence: float) -> Answer | None:
        """Yes or no in the caller's last words; unclear when both, neither, or badly heard; None when nothing was said."""
        said = self.unanswered
        if not said:
            return None
        if any(s.confidence is not None and s.confidence < min_confidence for s in said):
            return Answer.UNCLEAR
        return yes_or_no(self.last_words)


_HAS_NONE = re.compile(
    r"\b(?:don't|do not|can't|cannot|couldn't|haven't|have not|didn't|never) (?:\w+ly )?(?:have|know|remember|recall|find|got|get|had)"
    r"(?: it| that| them| one| any| my\b[\w ]*| the\b[\w ]*| an? (?:account|zip|postal|i\.? ?d|number|invoice)[\w ]*)?"
    r"(?: (?:by heart|right now|now|here|with me|on me|at hand|handy|at the moment|any ?more|off the top of my head|either))*"
    r"\s*(?:[.,;!?]|$)|\bno idea\b|\b(?:i|i've|i have) (?:forgot|forgotten|lost)(?: it| that| my\b[\w ]*)?\s*(?:[.,;!?]|$)"
    r"|not sure what it is"
)


def has_none(words: str) -> bool:
    """Whether these words say that he does not have, or know, what was asked for."""
    return _HAS_NONE.search(words.lower().replace("’", "'")) is not None


_HARMLESS = re.compile(r"\b(?:no (?:problem|worries|trouble)|not a problem|why not|don't worry|no doubt)\b")
_LATER = re.compile(
    r"\b(?:maybe|perhaps|possibly|rather) (?:later|(?:an|some )?other (?:time|day))\b|\bnot (?:right|just) now\b|^\W*(?:later|another time|some other time)\b(?! works)"
)
"""A polite no."""
_UNSURE = re.compile(
    r"\b(?:not sure|unsure|don't know|do not know|maybe|perhaps|wait|hold on|what do you mean|not yet|i guess)\b|\bwhy\b|\bhow (?:much|long|many|can|do|does|would|should)\b|\bwhere (?:do|can|is|are)\b"
)
_WHEN = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|today|morning|afternoon|noon|one|two|three|four|five|nine|ten|eleven|twelve)"
_IT = rf"(?:that|this|either(?: one)?|any ?time|{_WHEN})"
_YES_WORDS = (
    r"(?:yes|yeah|yep|yup|sure|please|okay|ok|of course|absolutely|definitely|certainly|correct|go ahead|do it|do that|sounds (?:good|great|fine|perfect|lovely|like a plan)|"
    rf"{_IT} works|^\W*works for (?:me|us)|\w+(?<!nothing)(?<!never) works (?:for (?:me|us)|fine|great|well|perfectly)|(?:that|it|{_WHEN}) suits (?:me|us)|"
    r"that would be (?:great|good|nice|lovely)|i would|i'd (?:like|love) (?:that|to|it)|that's right|uh huh|mm hmm)\b"
)
_YES = re.compile(rf"\b{_YES_WORDS}")
_STARTS_WITH_YES = re.compile(rf"\W*(?:(?:um|uh|oh|well|ah) )*{_YES_WORDS}")
_NO = re.compile(
    r"(?:^|\||\b(?:yeah|yes|um|uh|oh|well|and|but|ah|so))\s*(?:no|nope|nah)\b|\bno,? (?:thank|that's|that is|need)"
    r"|\b(?:never ?mind|leave it|rather not|not (?:really|now|today|necessary|at the moment)|(?<!can i )(?<!can we )(?<!could i )(?<!could we )cancel|stop)\b"
    r"|\b(?:don't|do not|wouldn't|would not|won't) (?:want|need|refund|do|like|bother|think so)\b"
    rf"|\b(?:doesn't|does not|won't|wouldn't) (?:really )?(?:work|suit) (?:for )?(?:me|us)\b|\b{_IT} (?:doesn't|does not|won't) (?:work|suit)\b"
)
_NEGATION = re.compile(r"\b(?:no|not)\b|n't\b")
_OKAY_NO = re.compile(
    r"^\W*(?:(?:okay|ok|all right|alright|well|oh|ah|um|uh|great|good|perfect)[ |]+)+(?=(?:no|nope|nah)\b)"
)
"""The "okay" of "okay, no, thanks" is no yes."""
_POLITE_NO = re.compile(r"\bno ?\|? ?(?:thank you|thanks|please)\b|\bplease (?=don't|do not)")
"""The "please" in "no please" or "please don't" is no yes."""


def yes_or_no(words: str) -> Answer:
    """Yes, no, or unclear. Anything contradictory is unclear: a question costs less than a wrong refund."""
    text = re.sub(r"[.,;:!?]+", " | ", words.lower().replace("’", "'"))
    text = _HARMLESS.sub(" ", " ".join(re.sub(r"[^a-z'| ]+", " ", text).split()))
    text = _LATER.sub("| no |", text)
    if _UNSURE.search(text):
        return Answer.UNCLEAR
    text = _POLITE_NO.sub("| no ", _OKAY_NO.sub("", text))
    yes, no = bool(_YES.search(_NO.sub(" ", text))), bool(_NO.search(text))
    if yes and _NEGATION.search(text) and not _STARTS_WITH_YES.match(text):
        no = True  # "that's not okay"
    if yes == no:
        return Answer.UNCLEAR
    return Answer.YES if yes else Answer.NO


def _json_object(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    # MCP's own envelope around the tool's text, should a toolset hand it through.
    if value.get("type") == "text" and isinstance(value.get("text"), str):
        return _json_object(value["text"])
    return value
