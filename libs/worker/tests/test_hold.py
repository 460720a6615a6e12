"""A caller waits in line: what he hears, what he may say, and how it ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from handoff.errors import PeerUnreachable
from handoff.memory_store import MemoryStore
from handoff.testing import OutageStore, memory_store
from worker.handover.hold import Hold, Overheard, Waited, music, wish_of
from worker.testing.jumping_time import without_waiting


class Ear:
    """What the caller hears, in order; a sentence takes two seconds, music lasts until it is stopped."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.is_music = False

    async def on_hold(self, target: str, position: int) -> None:
        assert not self.is_music, "a sentence over the music"
        self.heard.append(f"hold for {target} at {position}")
        await asyncio.sleep(2)

    async def position(self, position: int, *, was_heard: bool) -> None:
        assert not self.is_music, "a sentence over the music"
        self.heard.append(f"{'noted, ' if was_heard else ''}at {position}")
        await asyncio.sleep(2)

    def play(self, frames: Any) -> Ear:
        self.is_music = True
        if self.heard[-1:] != ["music"]:
            self.heard.append("music")
        return self

    def done(self) -> bool:
        return not self.is_music

    async def stop(self, music: Any) -> None:
        self.is_music = False


class Line:
    """A caller's wait for billing, which has ``places``."""

    def __init__(self, *, store: MemoryStore | None = None, seconds: float = 30.0) -> None:
        self.store = store or memory_store()
        self.ear = Ear()
        self.overheard = Overheard()
        self.places = 0
        self.priority = 0
        self.is_gone = False
        self.seconds = seconds
        self.caller_is_done: Callable[[], Awaitable[None]] = nothing

    async def free(self) -> int:
        if self.is_gone:
            raise PeerUnreachable("billing is gone")
        return self.places

    def hold(self, call_id: str = "call-1") -> Hold:
        return Hold(
            self.store,
            self.ear,
            self.overheard,
            service="billing",
            call_id=call_id,
            seconds=self.seconds,
            free=self.free,
            priority=lambda: self.priority,
            caller_is_done=lambda: self.caller_is_done(),
        )

    async def wait(self) -> tuple[Waited, float]:
        """How it ended, and after how many seconds."""
        began_at = now()
        async with self.hold() as hold:
            return await hold.until_free(), now() - began_at

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(seconds, what)


async def nothing() -> None:
    """The caller is not speaking."""


def now() -> float:
    return asyncio.get_running_loop().time()


@without_waiting
async def test_a_place_that_is_free_already_is_taken_without_a_word() -> None:
    line = Line()
    line.places = 1
    assert await line.wait() == (Waited.FREE, 0)
    assert line.ear.heard == []


@without_waiting
async def test_he_is_told_his_position_and_hears_music_until_a_place_is_free() -> None:
    line = Line()
    line.later(10, lambda: setattr(line, "places", 1))
    ended, seconds = await line.wait()
    assert ended is Waited.FREE
    assert seconds <= 11
    assert line.ear.heard == ["hold for billing at 1", "music"]
    assert not line.ear.is_music


@pytest.mark.parametrize("seconds", [30.0, 5.0])
@without_waiting
async def test_the_wait_is_over_when_the_time_is(seconds: float) -> None:
    line = Line(seconds=seconds)
    ended, waited = await line.wait()
    assert ended is Waited.TIMED_OUT
    assert waited == pytest.approx(seconds, abs=2.1)
    assert not line.ear.is_music


@without_waiting
async def test_who_stands_behind_others_lets_them_through_first() -> None:
    line = Line(seconds=5)
    await line.store.wait_in_line("billing", "call-0")
    line.places = 1
    assert (await line.wait())[0] is Waited.TIMED_OUT
    line.places = 2
    assert (await line.wait())[0] is Waited.FREE


@without_waiting
async def test_he_hears_it_when_he_moves_up() -> None:
    line = Line()
    await line.store.wait_in_line("billing", "call-0")
    line.later(9, lambda: asyncio.ensure_future(line.store.leave_line("billing", "call-0")))
    await line.wait()
    assert line.ear.heard[:4] == ["hold for billing at 2", "music", "at 1", "music"]


@without_waiting
async def test_who_is_past_patience_goes_first() -> None:
    line = Line(seconds=5)
    await line.store.wait_in_line("billing", "call-0")
    line.places, line.priority = 1, 10
    assert (await line.wait())[0] is Waited.FREE


@without_waiting
async def test_he_leaves_the_line_however_it_ends() -> None:
    line = Line(seconds=3)
    await line.wait()
    assert await line.store.position("billing", "call-1") == 0
    line.is_gone = True
    assert (await line.wait())[0] is Waited.GONE
    assert await line.store.position("billing", "call-1") == 0


@without_waiting
async def test_he_leaves_the_line_when_he_hangs_up() -> None:
    line = Line()
    waiting = asyncio.ensure_future(line.wait())
    await asyncio.sleep(5)
    assert await line.store.position("billing", "call-1") == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await line.store.position("billing", "call-1") == 0
    assert not line.ear.is_music


@without_waiting
async def test_what_he_says_is_noted_and_he_goes_on_waiting() -> None:
    line = Line(seconds=12)
    line.later(4, lambda: line.overheard.note("My account is AC4721."))
    ended, _ = await line.wait()
    assert ended is Waited.TIMED_OUT
    assert line.ear.heard == ["hold for billing at 1", "music", "noted, at 1", "music"]
    assert line.overheard.everything == "My account is AC4721."


@pytest.mark.parametrize(
    ("words", "ended"),
    [("Can you call me back instead?", Waited.CALLBACK), ("No, I don't want to wait.", Waited.NO_LONGER)],
)
@without_waiting
async def test_he_may_end_the_wait_himself(words: str, ended: Waited) -> None:
    line = Line()
    line.later(5, lambda: line.overheard.note(words))
    how, seconds = await line.wait()
    assert how is ended
    assert seconds == pytest.approx(5, abs=0.1)


@without_waiting
async def test_nobody_talks_into_his_sentence() -> None:
    line = Line(seconds=8)
    line.later(4, lambda: line.overheard.note("My account is"))

    async def still_speaking() -> None:
        if 4 <= now() < 6:
            await asyncio.sleep(6 - now())
            assert line.ear.heard == ["hold for billing at 1", "music"]

    line.caller_is_done = still_speaking
    await line.wait()
    assert line.ear.heard[2] == "noted, at 1"


@without_waiting
async def test_a_wish_that_comes_with_the_free_place_counts() -> None:
    line = Line()

    async def says_it_now() -> None:
        if line.places:
            line.overheard.note("Never mind.")

    line.caller_is_done = says_it_now
    line.later(5, lambda: setattr(line, "places", 1))
    assert (await line.wait())[0] is Waited.NO_LONGER


@without_waiting
async def test_a_place_that_he_had_without_a_wait_and_that_was_gone_is_not_asked_for_in_the_same_moment() -> None:
    line = Line()
    line.places = 1
    async with line.hold() as hold:
        assert await hold.until_free() is Waited.FREE
        at = now()
        assert await hold.until_free() is Waited.FREE
        assert now() > at


@without_waiting
async def test_a_place_that_was_gone_after_all_is_waited_for_again_from_where_he_stood() -> None:
    line = Line()
    line.later(4, lambda: setattr(line, "places", 1))
    async with line.hold() as hold:
        assert await hold.until_free() is Waited.FREE
        assert await line.store.position("billing", "call-1") == 1
        at = now()
        assert await hold.until_free() is Waited.FREE
        assert now() > at, "it would be asked without end"
    assert line.ear.heard.count("hold for billing at 1") == 1


@without_waiting
async def test_while_the_line_cannot_be_seen_a_free_place_is_taken() -> None:
    store = OutageStore()
    store.is_away = True
    line = Line(store=store)
    line.later(5, lambda: setattr(line, "places", 1))
    assert (await line.wait())[0] is Waited.FREE
    assert line.ear.heard == ["hold for billing at 0", "music"]


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("call me back please", Waited.CALLBACK),
        ("I'd prefer a callback", Waited.CALLBACK),
        ("no thanks", Waited.NO_LONGER),
        ("I can't wait any longer", Waited.NO_LONGER),
        ("forget it, I'll call back later", Waited.NO_LONGER),
        ("goodbye", Waited.NO_LONGER),
        ("could you help me?", Waited.NO_LONGER),
        ("okay", None),
        ("yes, I'll hold", None),
        ("my account is A C four seven two one", None),
        ("how long will it take?", None),
        ("I was charged twice and it was not my fault", None),
    ],
)
def test_a_wish_to_stop_waiting_is_told_from_anything_else(words: str, wish: Waited | None) -> None:
    assert wish_of(words) is wish


def samples(seconds: float) -> np.ndarray:
    frames: Iterator[Any] = itertools.islice(music(), int(seconds / 0.02))
    return np.concatenate([np.frombuffer(frame.data, dtype=np.int16) for frame in frames]).astype(float)


def test_the_music_is_soft_never_silent_for_long_and_goes_round_without_a_click() -> None:
    heard = samples(12)
    assert 500 < np.abs(heard).max() < 2000, "heard, and far below a voice"
    loudness = np.sqrt(np.mean(heard[: len(heard) // 2400 * 2400].reshape(-1, 2400) ** 2, axis=1))
    assert loudness.min() > 50
    assert np.abs(np.diff(heard)).max() < 500
