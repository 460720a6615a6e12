"""A real telephone for tests: a SIP user agent that calls and is called, presses keys, speaks and records; see pjsua_phone.py."""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from local.supervisor.ports import HOST, Ports

_PROGRAM = Path(__file__).with_name("pjsua_phone.py")
_PATIENT_SECONDS = 30.0
RATE = 8000
"""Of what a telephone says and hears, in Hz."""
_PIECE_SECONDS = 0.5
"""Of what is heard it looks at one piece after the other: so long, and as long as its recorder takes to begin."""
_VOICE = 1000
"""The loudest that a voice is, in int16 steps, is far above it; what a line carries while nobody speaks lies far below."""


def has_pjsua() -> bool:
    """Whether the user agent is installed."""
    return find_spec("pjsua2") is not None


class Softphone:
    """``async with Softphone(folder, env) as phone``: at ``phone.address``, answering each call half a second after it rings."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder, self._env = folder, env
        self._ports = Ports()
        self._process: asyncio.subprocess.Process
        self._reading: asyncio.Task[None]
        self._happened = asyncio.Condition()
        self.events: list[dict[str, Any]] = []
        """All that has happened, in order."""
        self._recordings = 0

    async def __aenter__(self) -> Softphone:
        self._port, rtp_port = self._ports.pick(udp=True), self._ports.pick(udp=True)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(_PROGRAM), str(self._port), str(rtp_port),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=dict(self._env),
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        await self.until("ready")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        self.dies()
        await self._process.wait()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._ports.release()

    @property
    def address(self) -> str:
        """Host and port, as a trunk wants them."""
        return f"{HOST}:{self._port}"

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue  # the library's own words
            async with self._happened:
                self.events.append(event)
                self._happened.notify_all()

    def _tell(self, what: str, **told: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **told}).encode() + b"\n")

    async def until(self, event: str, *, after: int = 0, seconds: float = _PATIENT_SECONDS, **told: Any) -> None:
        """Returns when this has happened, among the events from ``after`` on."""

        def happened() -> bool:
            wanted = {"event": event, **told}
            return any(wanted.items() <= seen.items() for seen in self.events[after:])

        try:
            async with asyncio.timeout(seconds), self._happened:
                await self._happened.wait_for(happened)
        except TimeoutError:
            raise AssertionError(f"not within {seconds:g} s: {event} {told}; but {self.events[after:]}") from None

    # --- what it does -------------------------------------------------------------------------------------------------
    def answers(self, code: int = 200, *, after: float = 0.5) -> None:
        """How calls are answered from now on: 200, busy (486), declined (603); 0 lets them ring."""
        self._tell("answer", code=code, after=after)

    def calls(self, number: str, *, at: str) -> None:
        """Dials."""
        self._tell("call", uri=f"sip:{number}@{at}")

    def presses(self, digits: str) -> None:
        """Keys, as telephone events."""
        self._tell("press", digits=digits)

    def hangs_up(self) -> None:
        """A BYE."""
        self._tell("hang_up")

    def sends_nothing(self) -> None:
        """Its sound is lost on the way, both silence and voice; its SIP is not."""
        self._tell("send_nothing")

    def dies(self) -> None:
        """Without a word."""
        if self._process.returncode is None:
            self._process.kill()

    def says(self, samples: np.ndarray, *, again: bool = False) -> None:
        """Mono int16 at RATE; ``again`` and again."""
        path = self._folder / f"said-{self._port}-{len(self.events)}-{self._recordings}.wav"
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(samples.astype("<i2").tobytes())
        self._tell("play", wav=str(path), again=again)

    async def records(self) -> Path:
        """What is heard from now on goes into this file; see ``heard``."""
        self._recordings += 1
        path = self._folder / f"heard-{self._port}-{self._recordings}.wav"
        before = len(self.events)
        self._tell("record", wav=str(path))
        await self.until("recording", after=before)
        return path

    async def told(self, *, seconds: float = 2 * _PATIENT_SECONDS) -> None:
        """Returns when what is said next was heard to its end: first a voice, then none for a second. It records meanwhile."""
        for is_awaited in (True, False):
            try:
                async with asyncio.timeout(seconds):
                    while await self._hears_a_voice() is not is_awaited:
                        pass
            except TimeoutError:
                what = "was a voice heard" if is_awaited else "was it silent"
                raise AssertionError(f"not within {seconds:g} s {what} at the telephone") from None

    async def _hears_a_voice(self) -> bool:
        piece = await self.records()
        await asyncio.sleep(_PIECE_SECONDS)
        return bool(np.abs((await self.heard(piece)).astype(int)).max(initial=0) > _VOICE)

    async def heard(self, recording: Path) -> np.ndarray:
        """Ends the recording; its mono int16 samples at RATE."""
        before = len(self.events)
        self._tell("record", wav="")
        await self.until("recording", after=before)
        with wave.open(str(recording), "rb") as file:
            assert file.getframerate() == RATE
            return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
