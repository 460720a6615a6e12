"""A caller who stays on the line: he answers what he is asked, says hello into a silence, and joins again when the line breaks.

What a web page would do for its caller, he does himself: when the media server goes away he joins the same call again with the
same token. He gives up after a long silence, and that is what chaos calls a silent drop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from livekit import rtc

from local.caller import Access, CallRefused, Recording, Spoken
from local.caller.band import FRAME, Samples
from local.caller.caller import AGENT_IS_DONE_ANYWAY_SECONDS, AGENT_IS_DONE_SECONDS
from local.caller.captions import Captions, OnCaption
from local.caller.listening import Listening
from local.caller.mouth import Mouth
from local.chaos.replies import HELLO, WAIT, Replies

GIVES_UP_SECONDS = 45.0
"""Silence after which nobody would stay on the line. A real caller leaves sooner; so that the silence can be measured, he stays."""
_HELLO_SECONDS = 7.0
_AGAIN_SECONDS = 2.0
"""Having heard "we were cut off", he waits this long for a question before he says his last line again."""
_REJOIN_SECONDS = 45.0
_LOOK_SECONDS = 0.02
_ECHO_SECONDS = 0.3
_OVER = frozenset(
    {
        rtc.DisconnectReason.ROOM_DELETED,
        rtc.DisconnectReason.PARTICIPANT_REMOVED,
        rtc.DisconnectReason.ROOM_CLOSED,
        rtc.DisconnectReason.CLIENT_INITIATED,
    }
)
"""Reasons for which the line ends on purpose; after any other he joins again."""


@dataclass(frozen=True, slots=True)
class Stayed:
    """A call as a patient caller brings it back."""

    recording: Recording
    hellos_ms: tuple[tuple[int, int], ...]
    """When he spoke into a silence, from and to, on the recording's time line."""
    rejoined_ms: tuple[int, ...]
    """When he was in the room again after he had lost it."""


class PatientCaller:
    """One call. ``voice`` has the audio of every line of ``replies``; ``channel`` is only told."""

    def __init__(
        self,
        replies: Replies,
        voice: Mapping[str, Samples],
        *,
        access: Access,
        channel: str = "web",
        on_caption: OnCaption | None = None,
    ) -> None:
        self._replies, self._voice, self._access, self._channel = replies, voice, access, channel
        self._zero = time.monotonic()
        self._started_at = time.time()
        self._room = rtc.Room()
        self._lost = asyncio.Event()
        self._is_over = False
        self._hangs_up = asyncio.Event()
        self._mouths: list[Mouth] = []
        self._ear = Listening(self._zero, is_agent=_is_agent)
        self._captions = Captions(own_identity=access.identity, now_ms=self._now_ms, on_caption=on_caption)
        self._spoken: list[Spoken] = []
        self._hellos: list[tuple[int, int]] = []
        self._rejoined: list[int] = []
        self._quiet_since = self._listens_since = self._zero
        self.is_speaking = False
        self.is_waiting = False
        self.lines_spoken = 0

    # --- what can be seen of him while he talks ---------------------------------------------------------------------
    @property
    def call_id(self) -> str:
        """The call's, and the room's name."""
        return self._access.call_id

    @property
    def hears_a_voice(self) -> bool:
        """Whether an agent is audible just now."""
        return self._ear.has_heard_anyone and self._ear.silent_seconds < 0.1

    async def is_spoken_to(self) -> bool:
        """The same, to be waited for."""
        return self.hears_a_voice

    async def waits(self) -> bool:
        """Whether he has asked the agent to wait, and has been answered; to be waited for."""
        return self.is_waiting and self._captions.said_since() != "" and self._agent_is_done()

    def talk_on(self) -> None:
        """He says hello, and goes on where he asked to wait."""
        self.is_waiting = False
        self._quiet_since = self._zero
        self._listens_since = time.monotonic()  # the silence that he asked for is not held against the agent

    def hang_up(self) -> None:
        """He leaves as soon as he has heard the sentence out."""
        self._hangs_up.set()

    # --- the call -----------------------------------------------------------------------------------------------------
    async def run(self, *, within_seconds: float) -> Stayed:
        """From joining to the end. Raises CallRefused when the room cannot be joined at first."""
        logging.getLogger("livekit").setLevel(logging.CRITICAL)  # as place_call does
        ended_by, problem = "timeout", f"the call did not end within {within_seconds:g} s"
        try:
            try:
                await self._join()
            except rtc.ConnectError as e:
                raise CallRefused(f"the room at {self._access.url} cannot be joined: {e}") from e
            with suppress(TimeoutError):
                async with asyncio.timeout(within_seconds):
                    ended_by, problem = await self._live()
        finally:
            await self._ear.close()
            await self._captions.close()
            await self._hang_up_for_good()
        return Stayed(self._recording(ended_by, problem), tuple(self._hellos), tuple(self._rejoined))

    async def _live(self) -> tuple[str, str]:
        """Talks, and joins again as often as the line breaks. Who ended it, and what was wrong."""
        while True:
            talking, lost = asyncio.ensure_future(self._talk()), asyncio.ensure_future(self._lost.wait())
            try:
                await asyncio.wait({talking, lost}, return_when=asyncio.FIRST_COMPLETED)
                if talking.done():
                    await asyncio.sleep(_ECHO_SECONDS)
                    return talking.result()
            finally:
                for task in (talking, lost):
                    task.cancel()
                await asyncio.gather(talking, lost, return_exceptions=True)
                self.is_speaking = False
            if self._is_over:
                return "mesh", ""
            if not await self._rejoin():
                return "timeout", f"the caller could not join again within {_REJOIN_SECONDS:g} s"

    async def _join(self) -> None:
        self._room = rtc.Room()
        self._lost.clear()
        self._room.on("disconnected", self._disconnected)
        self._room.on("local_track_published", lambda publication, *_: self._captions.own_track(publication.sid))
        self._ear.follow(self._room)
        self._captions.follow(self._room)
        await self._room.connect(self._access.url, self._access.token)
        mouth = Mouth(self._zero)
        self._mouths.append(mouth)
        await mouth.open(self._room)

    def _disconnected(self, reason: object = None, *_: object) -> None:
        self._is_over = self._is_over or reason in _OVER
        self._lost.set()

    async def _rejoin(self) -> bool:
        deadline = time.monotonic() + _REJOIN_SECONDS
        await self._mouths[-1].close()
        while time.monotonic() < deadline:
            try:
                async with asyncio.timeout(10):
                    await self._join()
            except (rtc.ConnectError, TimeoutError, ConnectionError):
                await asyncio.sleep(0.25)
                continue
            self._rejoined.append(self._now_ms())
            return True
        return False

    async def _hang_up_for_good(self) -> None:
        for mouth in self._mouths[-1:]:
            await mouth.close()
        with suppress(TimeoutError):  # a line that is dead cannot be hung up
            async with asyncio.timeout(5):
                await self._room.disconnect()

    # --- talking ------------------------------------------------------------------------------------------------------
    async def _talk(self) -> tuple[str, str]:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._ear.silent_seconds < AGENT_IS_DONE_SECONDS:
                self._quiet_since = time.monotonic()
            if not self._agent_is_done():
                continue
            if self._hangs_up.is_set():
                return "caller", ""
            if self.is_waiting:
                continue
            silent = min(self._ear.silent_seconds, time.monotonic() - self._listens_since)
            if silent >= GIVES_UP_SECONDS:
                return "timeout", f"the caller gave up after {GIVES_UP_SECONDS:g} s of silence"
            answer = self._replies.to(self._captions.said_since())
            is_sure = answer is not None and not (answer.is_again or answer.is_guess)
            if answer is not None and (is_sure or self._quiet_seconds() >= _AGAIN_SECONDS):
                await self._say(answer.words, is_again=answer.is_again)
                self._replies.said(answer)
            elif self._quiet_seconds() >= _HELLO_SECONDS:
                self._hellos.append(await self._say(HELLO, is_again=True))

    async def _say(self, words: str, *, is_again: bool) -> tuple[int, int]:
        self._captions.answer()
        self.is_speaking = True
        self.lines_spoken += 0 if is_again else 1
        try:
            start, end = await self._mouths[-1].say(self._voice[words])
        finally:
            self.is_speaking = False
        self.is_waiting = words == WAIT
        self._spoken.append(Spoken(words, "", start * 10, end * 10, is_again))
        self._quiet_since = time.monotonic()
        return start * 10, end * 10

    def _quiet_seconds(self) -> float:
        """How long neither an agent nor he has said anything."""
        return time.monotonic() - self._quiet_since

    def _agent_is_done(self) -> bool:
        silent = min(self._ear.silent_seconds, self._captions.settled_seconds)
        if self._captions.is_someone_mid_sentence:
            return silent >= AGENT_IS_DONE_ANYWAY_SECONDS
        return silent >= AGENT_IS_DONE_SECONDS

    def _now_ms(self) -> int:
        return int((time.monotonic() - self._zero) * 1000)

    def _recording(self, ended_by: str, problem: str) -> Recording:
        said = together([mouth.recorded() for mouth in self._mouths])
        return Recording(
            call_id=self._access.call_id,
            channel=self._channel,
            started_at=self._started_at,
            said=said,
            agents=self._ear.tracks(said.size // FRAME),
            spoken=tuple(self._spoken),
            captions=self._captions.all(),
            ended_by=ended_by,
            problems=(problem,) if problem else (),
        )


def together(parts: list[Samples]) -> Samples:
    """Mouths of one caller on one time line, each silent where another speaks."""
    length = max((part.size for part in parts), default=0)
    whole = np.zeros(length, dtype=np.int32)
    for part in parts:
        whole[: part.size] += part
    return np.asarray(np.clip(whole, -32768, 32767), dtype=np.int16)


def _is_agent(participant: rtc.RemoteParticipant) -> bool:
    return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
