"""Who has no floor is not heard; who gets it is heard from the first frame; who loses it is cut off."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc
from livekit.agents.voice import io
from worker.speech.voice_gate import VoiceGate
from worker.testing.jumping_time import everything_ran, without_waiting


class Loudspeaker(io.AudioOutput):
    """The end of the chain: remembers which frames were heard and whether they were cut off."""

    def __init__(self) -> None:
        super().__init__(label="Loudspeaker", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=24000)
        self.heard: list[int] = []
        self.cuts = 0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.heard.append(frame.data[0])

    def flush(self) -> None:
        super().flush()
        self.on_playback_finished(playback_position=0.02, interrupted=False)

    def clear_buffer(self) -> None:
        self.cuts += 1
        if self._pending_playback_count:
            super().flush()
            self.on_playback_finished(playback_position=0.01, interrupted=True)


def frame(number: int) -> rtc.AudioFrame:
    return rtc.AudioFrame(data=bytes([number, 0] * 480), sample_rate=24000, num_channels=1, samples_per_channel=480)


async def say(gate: VoiceGate, *numbers: int) -> None:
    for number in numbers:
        await gate.capture_frame(frame(number))
    gate.flush()


@pytest.fixture
def loudspeaker() -> Loudspeaker:
    return Loudspeaker()


@without_waiting
async def test_an_open_gate_lets_every_frame_pass_in_order(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=True)
    assert gate.is_open
    await say(gate, 1, 2, 3)
    assert loudspeaker.heard == [1, 2, 3]
    assert (await gate.wait_for_playout()).interrupted is False


@without_waiting
async def test_a_closed_gate_holds_the_sentence_and_tells_that_it_is_there(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=False)
    assert not gate.first_frame.is_set()
    saying = asyncio.create_task(say(gate, 1, 2, 3))
    await gate.first_frame.wait()
    await everything_ran()
    assert loudspeaker.heard == []
    assert not saying.done()
    assert not gate.is_open
    gate.open()
    await saying
    assert loudspeaker.heard == [1, 2, 3]


@without_waiting
async def test_a_gate_closed_again_holds_the_rest_of_the_sentence(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=True)
    await gate.capture_frame(frame(1))
    gate.close()
    saying = asyncio.create_task(say(gate, 2, 3))
    await everything_ran()
    assert loudspeaker.heard == [1]
    gate.open()
    await saying
    assert loudspeaker.heard == [1, 2, 3]


@without_waiting
async def test_a_gate_opened_and_closed_in_one_breath_lets_nothing_slip_through(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=False)
    saying = asyncio.create_task(say(gate, 1))
    await everything_ran()
    gate.open()
    gate.close()
    await everything_ran()
    assert loudspeaker.heard == []
    gate.open()
    await saying
    assert loudspeaker.heard == [1]


@without_waiting
async def test_a_shut_gate_drops_what_it_held(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=False)
    saying = asyncio.create_task(say(gate, 1, 2))
    await gate.first_frame.wait()
    gate.shut()
    await saying
    assert loudspeaker.heard == []
    await gate.wait_for_playout()  # nobody waits for a sentence that was never played


@without_waiting
async def test_a_shut_gate_cuts_what_is_being_said(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=True)
    await gate.capture_frame(frame(1))
    gate.shut()
    assert loudspeaker.cuts == 1
    await say(gate, 2, 3)
    assert loudspeaker.heard == [1]
    assert (await gate.wait_for_playout()).interrupted is True


@without_waiting
async def test_a_shut_gate_stays_shut_whatever_its_agent_tries(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=True)
    gate.shut()
    for attempt in (gate.open, gate.close):
        attempt()
        assert not gate.is_open
        await say(gate, 1)  # dropped, not held: an agent that leaves must not wait for its own words
    assert loudspeaker.heard == []


@without_waiting
async def test_an_interruption_reaches_the_loudspeaker(loudspeaker: Loudspeaker) -> None:
    gate = VoiceGate(loudspeaker, is_open=True)
    await gate.capture_frame(frame(1))
    gate.clear_buffer()
    assert loudspeaker.cuts == 1
    assert (await gate.wait_for_playout()).interrupted is True


def test_a_gate_asks_for_the_same_audio_as_what_it_guards(loudspeaker: Loudspeaker) -> None:
    assert VoiceGate(loudspeaker, is_open=True).sample_rate == loudspeaker.sample_rate
