"""What a patient caller says, by what he was asked last: he can answer in any order, as often as he is asked.

A script that goes line by line cannot be played on when an agent dies in the middle of it: the next one asks what was asked before, or
goes on two questions later. So a caller who is to live through a fault does not follow a script; he answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from local.caller.script import CALL_TIMEOUT_SECONDS, Expect, Line, Script

YES, CALL_BACK, GOODBYE = "Yes please.", "Yes, please call me back.", "No, that's all, thank you."
MANAGER = "I'd like a manager to call me back."
HELLO = "Hello? Are you still there?"
"""What he says into a silence."""
WAIT = "Hold on a second."
"""Having said it, he says nothing until he is told to go on. It is never what he says again."""
_AGAIN = re.compile(
    r"cut off|once more|yes or no|still (there|need|don't know)|(say|tell|spell|read)\b[^.?!]{0,60}\bagain|don't match"
    r"|didn't (quite )?(get|catch|understand)|where were we|you were telling me",
    re.IGNORECASE,
)
"""How an agent says that it did not get the answer, or lost it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``asked`` is searched in what was said since the caller spoke; ``says`` are his words the first time, the second time and
    so on; the last of them stays."""

    asked: re.Pattern[str]
    says: tuple[str, ...]


def reply(asked: str, *says: str) -> Reply:
    """A reply from a pattern, without regard to case."""
    return Reply(re.compile(asked, re.IGNORECASE), says)


COMMON = (
    reply(r"(shall I )?try (it )?once more|shall I try", YES),
    reply(r"call you back|call(ing)? you back|callback\?|book (it|one|that)|like a call", CALL_BACK),
    reply(r"is that right|is that correct|shall I book|refund it", YES),
    reply(r"make it right|which would you like|an offer, a complaint", MANAGER),
    reply(r"wrong charge, a payment", "A wrong charge."),
    reply(r"anything else|something else|what else can I do", GOODBYE),
)
"""What every caller knows to answer, after his own replies."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What he says now. ``is_again``: he was only told that he was not understood, and may soon be asked something.
    ``is_guess``: he was asked something that he has no answer for."""

    words: str
    is_again: bool = False
    is_guess: bool = False


@dataclass(slots=True)
class Replies:
    """One caller's answers. ``opening`` is what he says first, and whenever he is asked what he wants."""

    opening: str
    own: tuple[Reply, ...]
    opens_at: re.Pattern[str] = re.compile(r"how can I help|what can I (do|look at)|what happened", re.IGNORECASE)
    _asked: dict[re.Pattern[str], int] = field(default_factory=dict)
    _last: str = ""
    _guesses: int = 0

    @property
    def every_line(self) -> tuple[str, ...]:
        """All that he may say, each once: to be spoken to a file before he calls."""
        said = [self.opening, HELLO, *(words for known in (*self.own, *COMMON) for words in known.says)]
        return tuple(dict.fromkeys(said))

    def to(self, said: str) -> Answer | None:
        """The answer to what was said since he spoke last; None when he was asked nothing.

        Whatever was asked last counts. Being asked to say it again, he says his last line again; asked what he does not know, he
        agrees, and the second time he has had enough. Looking does not count as answering: `said` does."""
        found: list[tuple[int, int, Reply | None]] = []
        replies = (*self.own, *COMMON, Reply(self.opens_at, (self.opening,)))
        for rank, known in enumerate(replies):
            ends = [match.end() for match in known.asked.finditer(said)]
            if ends:
                found.append((ends[-1], -rank, known))
        if again := [match.end() for match in _AGAIN.finditer(said)]:
            found.append((again[-1], -len(replies), None))
        if not found:
            return self._guess(said)
        _, _, asked = max(found, key=lambda each: each[:2])
        if asked is None:
            return Answer(self._last or self.opening, is_again=True)
        return Answer(asked.says[min(self._times(asked), len(asked.says) - 1)])

    def said(self, answer: Answer) -> None:
        """He has said it; the next time the same is asked he says what comes next."""
        if answer.is_again:
            return
        self._guesses += answer.is_guess
        self._last = answer.words if answer.words != WAIT else self._last
        for known in (*self.own, *COMMON):
            if answer.words in known.says:
                self._asked[known.asked] = self._times(known) + 1

    def _guess(self, said: str) -> Answer | None:
        if not said.rstrip().endswith("?"):
            return None
        return Answer(YES if self._guesses == 0 else GOODBYE, is_guess=True)

    def _times(self, known: Reply) -> int:
        return self._asked.get(known.asked, 0)


def replies_of(script: Script) -> Replies:
    """The same caller as a script's, answering. The first line is what he wants; lines without a pattern are left out."""
    lines = [line for line in script.lines if line.say and isinstance(line.after, re.Pattern)]
    own = tuple(Reply(line.after, (line.say,)) for line in lines[1:] if isinstance(line.after, re.Pattern))
    return Replies(opening=lines[0].say, own=own)


def as_script(says: Sequence[str], *, like: Script) -> Script:
    """These words as a script's lines, for `local.caller.render`."""
    lines = tuple(Line(at, say=words) for at, words in enumerate(says, 1))
    return Script(like.path, like.title, like.channel, like.voice, lines, Expect(), CALL_TIMEOUT_SECONDS)
