"""`python -m bench.density.crowd`: many callers in one process, as cheap as they can be. Nobody listens here.

Each line on its standard input is a JSON object: the access to one more call (``url``, ``token``, and ``after`` seconds until the
first word). It prints a line with the number of callers for each that is in its room, and ends with its input.

A caller says the same sentence again and again, with the pause in which an agent answers; no two at the same moment.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sys
import time

import numpy as np
import soundfile
from livekit import rtc

from bench.density.stub import CALLER
from local.caller.band import RATE, Samples, at_our_rate, mono

PERIOD_SECONDS = 14.0
"""From one question to the next: 3.8 s of the caller's, 1 s until the answer, 6 s of the agent's, and a pause shorter than the one
after which an agent asks whether somebody is there."""
_PIECE_SECONDS = 0.2
"""Audio handed over at once: a call each 10 ms would cost more than the codec."""
_AHEAD_SECONDS = 0.4


def said() -> Samples:
    """One period of a caller, at 48 kHz: his sentence, then silence."""
    samples, rate = soundfile.read(CALLER, dtype="int16")
    whole = np.zeros(int(PERIOD_SECONDS * RATE), np.int16)
    words = at_our_rate(mono(samples), rate)
    whole[: words.size] = words
    return whole


class Caller:
    """One of the crowd; ``loop`` is what it says, over and over."""

    def __init__(self, loop: Samples, *, after: float) -> None:
        self._loop, self._after = loop, after
        self._room = rtc.Room()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=1000)

    async def join(self, url: str, token: str) -> None:
        """Into the room, with an open microphone. Raises rtc.ConnectError."""
        await self._room.connect(url, token)
        track = rtc.LocalAudioTrack.create_audio_track("caller", self._source)
        # Every frame is sent, as a telephone's are: the worker has all of them to decode.
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        await self._room.local_participant.publish_track(track, options)

    async def talk(self) -> None:
        """Until it is cancelled."""
        pieces = self._loop.reshape(-1, int(_PIECE_SECONDS * RATE))
        began, at = time.monotonic(), len(pieces) - int(self._after / _PIECE_SECONDS)
        for number in itertools.count(1):
            piece = pieces[at % len(pieces)]
            await self._source.capture_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, piece.size))
            at += 1
            await asyncio.sleep(max(0.0, began + number * _PIECE_SECONDS - _AHEAD_SECONDS - time.monotonic()))

    async def leave(self) -> None:
        """Out of the room."""
        await self._room.disconnect()


async def main() -> None:
    """See above."""
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    loop, callers, talking = said(), list[Caller](), list[asyncio.Task[None]]()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        access = json.loads(line)
        caller = Caller(loop, after=access["after"])
        await caller.join(access["url"], access["token"])
        callers.append(caller)
        talking.append(asyncio.create_task(caller.talk()))
        print(len(callers), flush=True)
    for task in talking:
        task.cancel()
    await asyncio.gather(*talking, *(caller.leave() for caller in callers), return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
