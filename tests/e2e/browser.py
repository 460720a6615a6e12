"""A caller at the call page: real Chromium, the real page, a microphone into which a recorded voice speaks when it is his turn.

The microphone is the page's own `getUserMedia`, answered by a stream that the test plays into; all else is as in anybody's browser.
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soundfile
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from local.caller.band import RATE, Samples
from local.chaos.replies import Answer, Replies

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
)
_OF_A_CLOSED_ROOM = re.compile(
    r"DataChannel error on \w+: User-Initiated Abort|publisher data channel '\w+' closed unexpectedly"
)
"""LiveKit's client says so at times when the server closes a room before the client has heard of it: a call has ended, nothing is wrong."""
_MICROPHONE = """
(() => {
  const context = new AudioContext();
  const mouth = context.createMediaStreamDestination();
  navigator.mediaDevices.getUserMedia = async () => { await context.resume(); return mouth.stream.clone(); };
  window.say = async (wav) => {
    const bytes = Uint8Array.from(atob(wav), (c) => c.charCodeAt(0));
    const source = context.createBufferSource();
    source.buffer = await context.decodeAudioData(bytes.buffer);
    source.connect(mouth);
    source.start();
    await new Promise((done) => { source.onended = done; });
  };
})();
"""
_AGENTS_WORDS = "() => [...document.querySelectorAll('#captions p.agent span')].map((line) => line.textContent)"
_LOUDNESS = """
async () => {
  const context = new AudioContext();
  let loudest = 0;
  const looks = [...document.querySelectorAll('audio')].filter((one) => one.srcObject).map((one) => {
    const look = context.createAnalyser();
    context.createMediaStreamSource(one.srcObject).connect(look);
    return look;
  });
  const samples = new Float32Array(2048);
  for (let i = 0; i < 40; i++) {
    for (const look of looks) { look.getFloatTimeDomainData(samples); loudest = Math.max(loudest, ...samples.map(Math.abs)); }
    await new Promise((on) => setTimeout(on, 50));
  }
  await context.close();
  return loudest;
}
"""
_LOOK_SECONDS = 0.1
_TABS_MAX = 40
_SETTLED_SECONDS = 1.2
"""An agent whose caption has not grown for so long has finished what it says."""


def chromium() -> str:
    """Path of a Chromium, empty when none is installed."""
    return next((found for program in PROGRAMS if (found := shutil.which(program))), "")


CLIENT = Path(__file__).parents[2] / "gateway/web/node_modules/livekit-client/dist/livekit-client.umd.js"
needs_a_browser = [
    pytest.mark.skipif(not chromium(), reason="no Chromium is installed (apt-get install chromium)"),
    pytest.mark.skipif(not CLIENT.is_file(), reason="LiveKit's browser client is not installed (make web, needs npm)"),
]


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """One that runs without a screen."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium(), headless=True, args=list(_FLAGS))
        try:
            yield running
        finally:
            await running.close()


class PageCaller:
    """Somebody at the page, who answers what he is asked. ``voice`` is the audio of all his lines."""

    def __init__(self, page: Page, replies: Replies, voice: Mapping[str, Samples]) -> None:
        self.page = page
        self.problems: list[str] = []
        """What the page complained of: errors of its scripts, and what its policy refused."""
        self._replies, self._voice = replies, voice
        self._answered = 0
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._said)

    def _said(self, said: ConsoleMessage) -> None:
        if said.type == "error" and not _OF_A_CLOSED_ROOM.match(said.text):
            self.problems.append(said.text)

    @classmethod
    async def at(
        cls, where: Browser | BrowserContext, url: str, replies: Replies, voice: Mapping[str, Samples]
    ) -> PageCaller:
        """Has opened the page, and not yet pressed the button."""
        page = await where.new_page()
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.add_init_script(_MICROPHONE)
        caller = cls(page, replies, voice)
        await page.goto(url)
        return caller

    async def state(self) -> str:
        """idle, connecting, talking, reconnecting or ended."""
        return str(await self.page.evaluate("document.body.dataset.state"))

    async def comes_to(self, state: str, *, within_seconds: float = 30.0) -> None:
        """Returns when the page is in that state. Raises AssertionError."""
        deadline = time.monotonic() + within_seconds
        while (now := await self.state()) != state:
            assert time.monotonic() < deadline, f"not within {within_seconds:g} s: {state}; it is {now}"
            await asyncio.sleep(_LOOK_SECONDS)

    async def press(self, name: str) -> None:
        """The button of that name."""
        await self.page.get_by_role("button", name=name).click()

    async def tabs_to(self, name: str, *, key: str = "Tab") -> None:
        """With the keyboard alone; ``Shift+Tab`` goes back. Raises AssertionError."""
        passed: list[str] = []
        while name not in passed:
            await self.page.keyboard.press(key)
            passed.append(await self.focused())
            assert len(passed) < _TABS_MAX, f"the keyboard does not come to {name}; it came by {passed}"

    async def focused(self) -> str:
        """What the keyboard is at, by the words on it."""
        return str(await self.page.evaluate("document.activeElement.textContent.trim()"))

    async def scrolls_sideways(self) -> bool:
        """Whether the page is wider than its window."""
        page = "document.documentElement"
        return bool(await self.page.evaluate(f"{page}.scrollWidth > {page}.clientWidth"))

    async def loads_again(self) -> None:
        """The captions begin anew, and so does what he was asked."""
        await self.page.reload()
        self._answered = 0

    async def heard(self) -> str:
        """All that the agents have said, by the captions on the page."""
        return " ".join(await self.page.evaluate(_AGENTS_WORDS))

    async def loudness(self) -> float:
        """The loudest that the page's audio was within two seconds, 0 to 1."""
        return float(await self.page.evaluate(_LOUDNESS))

    async def talk(self, *, until: str, within_seconds: float) -> None:
        """Answers whatever he is asked until the agents have said ``until``, or the call has ended. Raises AssertionError."""
        deadline = time.monotonic() + within_seconds
        while until not in (heard := await self.heard()) and await self.state() != "ended":
            assert time.monotonic() < deadline, f"not within {within_seconds:g} s: {until!r}; heard: {heard}"
            answer = await self._answer()
            if answer is None:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            self._answered = len(await self.heard())
            await self.say(answer.words)
            self._replies.said(answer)

    async def say(self, words: str) -> None:
        """Aloud, into the microphone; returns when it is said."""
        wav = io.BytesIO()
        soundfile.write(wav, self._voice[words], RATE, format="WAV", subtype="PCM_16")
        await self.page.evaluate("(wav) => window.say(wav)", base64.b64encode(wav.getvalue()).decode())

    async def _answer(self) -> Answer | None:
        """What he would say now, when the agent has finished."""
        before = await self.heard()
        answer = self._replies.to(before[self._answered :])
        if answer is None:
            return None
        await asyncio.sleep(_SETTLED_SECONDS)
        return answer if await self.heard() == before else None
