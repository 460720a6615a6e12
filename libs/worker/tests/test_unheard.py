"""An agent that pauses for a caller's "uh-huh" goes on with the very next sample."""

from __future__ import annotations

import numpy as np
from livekit import rtc
from livekit.agents.voice import io
from worker.speech.unheard import UnheardSource, keep_unheard
from worker.speech.voice_gate import VoiceGate

RATE, FRAME = 1000, 50


def frame(first: int) -> rtc.AudioFrame:
    """50 ms whose samples count on from ``first``."""
    samples = np.arange(first, first + FRAME, dtype=np.int16)
    return rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME)


class Source:
    """Plays when it is told to."""

    def __init__(self) -> None:
        self.queue: list[int] = []
        self.heard: list[int] = []

    @property
    def queued_duration(self) -> float:
        return len(self.queue) / RATE

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        self.queue += np.frombuffer(frame.data, dtype=np.int16).tolist()

    def play(self, count: int) -> None:
        self.heard += self.queue[:count]
        del self.queue[:count]

    def clear_queue(self) -> None:
        self.queue.clear()


async def half_a_sentence(source: Source, kept: UnheardSource) -> None:
    for first in range(0, 200, FRAME):
        await kept.capture_frame(frame(first))
    source.play(70)


async def test_after_a_pause_the_next_sample_is_heard() -> None:
    source = Source()
    kept = UnheardSource(source)  # type: ignore[arg-type]
    await half_a_sentence(source, kept)
    kept.is_paused = True
    kept.clear_queue()
    assert source.queue == []
    kept.is_paused = False
    await kept.capture_frame(frame(200))
    source.play(1000)
    assert source.heard == list(range(250))


async def test_two_pauses_in_one_sentence_lose_nothing_either() -> None:
    source = Source()
    kept = UnheardSource(source)  # type: ignore[arg-type]
    await half_a_sentence(source, kept)
    for first, played in ((200, 30), (250, 60)):
        kept.is_paused = True
        kept.clear_queue()
        kept.is_paused = False
        await kept.capture_frame(frame(first))
        source.play(played)
    source.play(1000)
    assert source.heard == list(range(300))


async def test_of_an_interrupted_sentence_nothing_comes_later() -> None:
    source = Source()
    kept = UnheardSource(source)  # type: ignore[arg-type]
    await half_a_sentence(source, kept)
    kept.is_paused = True
    kept.clear_queue()
    kept.forget()
    kept.clear_queue()
    await kept.capture_frame(frame(1000))
    source.play(1000)
    assert source.heard == [*range(70), *range(1000, 1050)]


class RoomOutput(io.AudioOutput):
    """The bottom of a chain."""

    def __init__(self) -> None:
        super().__init__(label="RoomIO", capabilities=io.AudioOutputCapabilities(pause=True))
        self._audio_source = Source()
        self.cleared = 0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None: ...

    def flush(self) -> None: ...

    def clear_buffer(self) -> None:
        self.cleared += 1


def test_the_gate_tells_the_source_of_a_pause_and_of_its_end() -> None:
    output = RoomOutput()
    gate = VoiceGate(output, is_open=True)
    kept = output._audio_source
    assert isinstance(kept, UnheardSource)
    gate.pause()
    assert kept.is_paused
    gate.resume()
    assert not kept.is_paused
    gate.pause()
    gate.clear_buffer()
    assert not kept.is_paused
    assert output.cleared == 1


def test_an_output_without_a_room_is_left_as_it_is() -> None:
    class Nowhere(RoomOutput):
        def __init__(self) -> None:
            super().__init__()
            del self._audio_source

    assert keep_unheard(Nowhere()) is None
