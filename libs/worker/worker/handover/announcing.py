"""The words around a handoff: what the caller hears while the call moves or waits, and what the brain is told when it did not move."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from importlib.resources import files
from typing import Any

from handoff.call import Role
from handoff.desk import DESK, TELEPHONE
from handoff.directory import DIRECTORY, LAST_RESORT
from handoff.outcome import Refusal
from livekit import rtc
from livekit.agents import NOT_GIVEN, AgentSession
from livekit.agents.voice import SpeechHandle

from worker import prompts
from worker.checkpoint import Checkpoint
from worker.handover.hold import Waited
from worker.service import Service
from worker.speech import clips

_HOUSE = files("worker.handover") / "announcements"
"""The house's own words; a service that has a prompt of the name says it in its own."""
_HUMANS = {DESK: "hold_person", TELEPHONE: "hold_telephone"}
"""What is said to a caller who waits for a human. None is promised: whether one takes the call is theirs to choose."""
_WAITED = {
    Waited.TIMED_OUT: "The caller waited in line with music, and nobody became free.",
    Waited.NO_LONGER: "The caller does not want to wait any longer.",
    Waited.CALLBACK: "The caller asked to be called back: leave a callback ticket, read it to him, and ask on which number.",
    Waited.GONE: "The caller waited in line, and then the service could not be reached any more.",
}


def announcement(service: Service, target: str) -> str:
    """What ``service`` says while the call moves to ``target``."""
    text = prompts.load(service.folder, "announcement")
    return prompts.spoken(text, {"specialist": DIRECTORY[target].spoken_name})


def house_words(service: Service, name: str, **values: str) -> str:
    """``announcements/<name>.md`` with its holes filled, in the service's own words when it has such a prompt."""
    own = service.folder / "prompts" / f"{name}.md"
    text = (own if own.is_file() else _HOUSE / f"{name}.md").read_text(encoding="utf-8").strip()
    return prompts.spoken(text, values)


def stand_in(service: Service, target: str, *, missed: str) -> str:
    """What ``service`` says while the call moves to ``target``, which stands in for ``missed``."""
    names = {"specialist": DIRECTORY[target].spoken_name, "missed": DIRECTORY[missed].spoken_name}
    return house_words(service, "stand_in", **names)


def place_in_line(service: Service, position: int) -> str:
    """The spoken position, from 1; nothing when it is not known (0)."""
    if position < 1:
        return ""
    return house_words(service, "position_next" if position == 1 else "position", position=str(position))


def nobody_took(service: str, reason: str, *, meanwhile: str, waited: Waited | None = None) -> str:
    """What the brain is told when ``service`` did not take the call; ``reason`` as in ``transfer.Stayed``.

    What the caller said over the announcement, or while he waited, is in no chat yet, and he shall not have to say it again.
    """
    advice = "Tell the caller and go on helping."
    if reason == Refusal.HOP_LIMIT:
        advice = (
            "This call was passed on too often: do not pass it on again. Help the caller yourself as far as you can"
        )
        advice += "." if service == LAST_RESORT else f", or hand the call to {LAST_RESORT}, which books a callback."
    story = f" {_WAITED[waited]}" if waited in _WAITED else ""
    said = f" Meanwhile the caller said: {meanwhile}" if meanwhile else ""
    return f"Nobody took the call: {service} {reason}.{story} {advice}{said}"


class Announcer:
    """An agent's mouth while its brain waits for a transfer: says what stands fixed, plays music.

    It all goes into the record, not into the brain's conversation: there it would stand after the tool's "nobody took the call",
    and a model that reads on from "I'm connecting you" would do so again.
    """

    def __init__(
        self,
        session: Callable[[], AgentSession[Any]],
        service: Service,
        checkpoint: Checkpoint,
        rendered: dict[str, tuple[rtc.AudioFrame, ...]],
    ) -> None:
        self._session = session
        self._service = service
        self._checkpoint = checkpoint
        self._rendered = rendered

    async def announce(self, target: str) -> None:
        """The announcement of a handoff to ``target``; returns when its last word was played."""
        clip = self._rendered.get(target)
        await self.say(announcement(self._service, target), clips.played(clip) if clip else None)

    async def announce_stand_in(self, target: str, missed: str) -> None:
        """The same for a service that stands in for ``missed``."""
        await self.say(stand_in(self._service, target, missed=missed))

    async def once_more(self) -> None:
        """The announcement was heard, and another worker of the same service comes instead."""
        await self.say(house_words(self._service, "once_more"))

    async def still_looking(self) -> None:
        """A tool takes its time."""
        await self.say(house_words(self._service, "still_looking"))

    async def on_hold(self, target: str, position: int) -> None:
        """Why the caller waits, and where he stands in line."""
        place = place_in_line(self._service, position) or " "
        if target in _HUMANS:
            await self.say(house_words(self._service, _HUMANS[target], place=place))
            return
        await self.say(house_words(self._service, "hold", specialist=DIRECTORY[target].spoken_name, place=place))

    async def position(self, position: int, *, was_heard: bool) -> None:
        """Where the caller stands now; ``was_heard``: he has just said something, and it is noted."""
        place = place_in_line(self._service, position)
        await self.say(house_words(self._service, "hold_noted", place=place or " ") if was_heard else place)

    async def introduce(self, name: str) -> None:
        """A human of the desk has come and takes over; ``name`` is how he wants to be called."""
        await self.say(house_words(self._service, "introduction", person=name))

    async def say(self, text: str, audio: AsyncIterable[rtc.AudioFrame] | None = None) -> None:
        """One sentence, to its end."""
        if not (text := " ".join(text.split())):
            return
        speech = self._session().say(
            text, audio=NOT_GIVEN if audio is None else audio, allow_interruptions=False, add_to_chat_ctx=False
        )
        await speech.wait_for_playout()
        self._checkpoint.note_turn(Role.AGENT, text, was_interrupted=speech.interrupted)

    def play(self, frames: AsyncIterable[rtc.AudioFrame]) -> SpeechHandle:
        """Music, until it is interrupted: by ``stop``, or by the caller's words."""
        return self._session().say("", audio=frames, allow_interruptions=True, add_to_chat_ctx=False)

    async def stop(self, music: SpeechHandle) -> None:
        """Ends the music; returns when it is silent."""
        if not music.done():
            music.interrupt(force=True)
        await music
