"""A recorded caller in a real room: plays its script in real time, listens, and brings back what was said and heard."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping

from livekit import rtc

from local.caller.access import Access
from local.caller.band import Samples
from local.caller.captions import Captions, OnCaption
from local.caller.listening import Listening
from local.caller.mouth import Mouth
from local.caller.recording import Recording, Spoken
from local.caller.script import DTMF_CODES, Line, Script

AGENT_IS_DONE_SECONDS = 0.35
"""Silence at the ear after which an agent has finished, once its caption is complete."""
AGENT_IS_DONE_ANYWAY_SECONDS = 2.0
"""The same when its caption never completes."""
_LOOK_SECONDS = 0.02
_KEY_SECONDS = 0.13
"""From one key to the next, of somebody who knows the number."""
_ECHO_SECONDS = 0.3
"""What is still on its way to the ear when the caller's script ends."""
_ASKED_AGAIN = re.compile(
    r"once more|yes or no|still (there|need|don't know)|(say|tell|spell|read)\b[^.?!]{0,60}\bagain|don't match"
    r"|didn't (quite )?(get|catch|understand)",
    re.IGNORECASE,
)
"""How an agent says that it did not understand the answer."""
_SAID_AGAIN_AT_MOST = 2
"""How often a caller says one line again: whoever is not understood three times hangs up."""


class CallRefused(Exception):
    """The room could not be joined; the message says where and why."""


class _Over(Exception):
    """The call ends; ``by`` is ``caller`` or ``timeout``."""

    def __init__(self, by: str, problem: str = "") -> None:
        super().__init__(by)
        self.by = by
        self.problem = problem


async def place_call(
    script: Script, voice: Mapping[int, Samples], *, access: Access, on_caption: OnCaption | None = None
) -> Recording:
    """One call from answer to hang-up, in real time.

    ``voice`` is `voice.render`'s result. It ends when the mesh closes the room, when the script hangs up, or at the script's
    timeout. A script that cannot be played on (its cue never came) hangs up and says so in ``Recording.problems``. Raises
    CallRefused when the room cannot be joined.
    """
    # The media library logs every channel of a call that ends as an error; what matters reaches us as events.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    call = _Call(script, voice, access, on_caption)
    return await call.run()


class _Call:
    def __init__(
        self, script: Script, voice: Mapping[int, Samples], access: Access, on_caption: OnCaption | None
    ) -> None:
        self._script = script
        self._voice = voice
        self._access = access
        self._zero = time.monotonic()
        self._started_at = time.time()
        self._room = rtc.Room()
        self._closed = asyncio.Event()
        self._mouth = Mouth(self._zero)
        self._ear = Listening(self._zero, is_agent=_is_agent)
        self._captions = Captions(own_identity=access.identity, now_ms=self._now_ms, on_caption=on_caption)
        self._spoken: list[Spoken] = []
        self._last: tuple[int, Line] | None = None
        self._said_again = 0
        self._line_ended = time.monotonic()

    def _now_ms(self) -> int:
        return int((time.monotonic() - self._zero) * 1000)

    async def run(self) -> Recording:
        ended_by, problem = "mesh", ""
        try:
            await self._join()
            ended_by, problem = await self._talk()
        finally:
            await self._leave()
        said = self._mouth.recorded()
        return Recording(
            call_id=self._access.call_id,
            channel=self._script.channel,
            started_at=self._started_at,
            said=said,
            agents=self._ear.tracks(self._mouth.frame_count),
            spoken=tuple(self._spoken),
            captions=self._captions.all(),
            ended_by=ended_by,
            problems=(problem,) if problem else (),
        )

    async def _join(self) -> None:
        self._room.on("disconnected", lambda *_: self._closed.set())
        self._room.on("local_track_published", lambda publication, *_: self._captions.own_track(publication.sid))
        self._ear.follow(self._room)
        self._captions.follow(self._room)
        try:
            await self._room.connect(self._access.url, self._access.token)
        except rtc.ConnectError as e:
            raise CallRefused(f"the room at {self._access.url} cannot be joined: {e}") from e
        await self._mouth.open(self._room)

    async def _leave(self) -> None:
        await self._ear.close()
        await self._captions.close()
        await self._mouth.close()
        await self._room.disconnect()

    async def _talk(self) -> tuple[str, str]:
        """Plays the lines, then stays until the mesh ends the call. Returns who ended it and what went wrong."""
        play = asyncio.create_task(self._play())
        closed = asyncio.create_task(self._closed.wait())
        try:
            await asyncio.wait(
                {play, closed}, timeout=self._script.timeout_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if play.done() and isinstance(over := play.exception(), _Over):
                await asyncio.sleep(_ECHO_SECONDS)
                return over.by, over.problem
            if play.done():
                play.result()
            if closed.done():
                return "mesh", self._unspoken()
            return "timeout", f"the call did not end within {self._script.timeout_seconds:g} s"
        finally:
            for task in (play, closed):
                task.cancel()
            await asyncio.gather(play, closed, return_exceptions=True)

    async def _play(self) -> None:
        for index, line in enumerate(self._script.lines):
            if line.stay_silent:
                await asyncio.sleep(line.timeout_seconds)
                what = f"the caller stayed silent and the call did not end within {line.timeout_seconds:g} s"
                raise _Over("timeout", f"{self._where(line)}: {what}")
            await self._cue(line)
            if line.hang_up:
                raise _Over("caller")
            await self._do(index, line)
            self._last, self._said_again = (index, line), 0
        await self._closed.wait()

    async def _do(self, index: int, line: Line, *, is_again: bool = False) -> None:
        self._captions.answer()
        if line.press:
            played = f"keys {line.press}"
            start, end = await self._press(line.press)
        else:
            played = line.play.name if line.play else ""
            start, end = await self._mouth.say(self._voice[index])
        self._spoken.append(Spoken(line.say, played, start * 10, end * 10, is_again))
        self._line_ended = time.monotonic()

    async def _press(self, keys: str) -> tuple[int, int]:
        """As a telephone does: events beside the audio. Returns the first and one past the last frame on the time line."""
        start = self._mouth.frame_count
        for key in keys:
            await self._room.local_participant.publish_dtmf(code=DTMF_CODES[key], digit=key)
            await asyncio.sleep(_KEY_SECONDS)
        return start, self._mouth.frame_count

    async def _cue(self, line: Line) -> None:
        """Returns when it is this line's turn; raises _Over when its cue does not come.

        A caller whom the mesh asks for it says the line before again, as people do; the recording tells of it.
        """
        deadline = time.monotonic() + line.timeout_seconds
        is_cued = False
        while True:
            is_cued = is_cued or self._is_cued(line)
            if is_cued and (line.interrupt or self._agent_is_done()):
                return
            if not is_cued and self._last is not None and self._is_asked_again():
                self._said_again += 1
                await self._do(*self._last, is_again=True)
                deadline = time.monotonic() + line.timeout_seconds
            if not is_cued and time.monotonic() > deadline:
                raise _Over("caller", f"{self._where(line)}: {_missing(line)} within {line.timeout_seconds:g} s")
            await asyncio.sleep(_LOOK_SECONDS)

    def _is_cued(self, line: Line) -> bool:
        if isinstance(line.after, float):
            return time.monotonic() - self._line_ended >= line.after
        said = self._captions.said_since()
        if isinstance(line.after, re.Pattern):
            return line.after.search(said) is not None
        return bool(said)

    def _is_asked_again(self) -> bool:
        if self._said_again >= _SAID_AGAIN_AT_MOST or _ASKED_AGAIN.search(self._captions.said_since()) is None:
            return False
        return self._agent_is_done()

    def _agent_is_done(self) -> bool:
        # A caption may run ahead of its voice: both must have come to rest.
        silent = min(self._ear.silent_seconds, self._captions.settled_seconds)
        if self._captions.is_someone_mid_sentence:
            return silent >= AGENT_IS_DONE_ANYWAY_SECONDS
        return silent >= AGENT_IS_DONE_SECONDS

    def _unspoken(self) -> str:
        """What to say about a call that the mesh ended before the script was through."""
        due = [line for line in self._script.lines if line.makes_sound or line.press]
        spoken = sum(not spoken.is_again for spoken in self._spoken)
        if spoken >= len(due):
            return ""
        return f"{self._where(due[spoken])}: the mesh ended the call before this line"

    def _where(self, line: Line) -> str:
        return f"{self._script.path}:{line.at_line}"


def _missing(line: Line) -> str:
    if isinstance(line.after, re.Pattern):
        return f"the mesh did not say /{line.after.pattern}/"
    return "the mesh said nothing"


def _is_agent(participant: rtc.RemoteParticipant) -> bool:
    return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
