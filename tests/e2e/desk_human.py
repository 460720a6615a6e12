"""A human of the desk without a browser: the page's requests to the real gateway, and a microphone that plays recorded lines."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

import aiohttp
from livekit import rtc

from local.caller.band import FRAME, RATE, Samples, whole_frames
from local.supervisor.mesh import Mesh

SECRET = "a-secret-for-the-desk-of-these-tests-alone"
_BEAT_SECONDS = 0.5
_PATIENT_SECONDS = 60.0


class DeskHuman:
    """``async with DeskHuman(mesh, "Anna") as anna``: signed in, and on duty until a call is taken."""

    def __init__(self, mesh: Mesh, name: str) -> None:
        self._url, self._name = mesh.page_url.rstrip("/"), name
        self._session: aiohttp.ClientSession
        self._room = rtc.Room()
        self._source = rtc.AudioSource(RATE, 1)
        self._microphone = rtc.LocalAudioTrack.create_audio_track("human", self._source)
        self._beats: asyncio.Task[None]
        self._seat = ""
        self.queue: list[dict[str, Any]] = []
        self.standing = ""

    async def __aenter__(self) -> DeskHuman:
        # A cookie of an address without a name is kept only by an unsafe jar.
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"origin": self._url})
        assert (await self.asks("in", secret=SECRET, name=self._name))[0] == 204
        self._beats = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        self._beats.cancel()
        await asyncio.gather(self._beats, return_exceptions=True)
        await self._room.disconnect()
        await self._source.aclose()
        await self._session.close()

    async def asks(self, what: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Status and answer of one request."""
        async with self._session.post(f"{self._url}/api/desk/{what}", json=body) as answer:
            return answer.status, (await answer.json()) if answer.status != 204 else {}

    async def _asks(self, what: str, **body: Any) -> dict[str, Any]:
        status, told = await self.asks(what, seat=self._seat, **body)
        assert status == 200, f"{what}: {told}"
        return told

    async def _beat(self) -> None:
        while True:
            if self._seat:
                _, told = await self.asks("beat", seat=self._seat, open=self.standing == "floor")
                self.standing = told.get("standing", self.standing)
            else:
                _, told = await self.asks("beat", available=True)
                self.queue = told.get("queue", [])
            await asyncio.sleep(_BEAT_SECONDS)

    # --- a call ---------------------------------------------------------------------------------------------------
    async def takes_a_call(self) -> dict[str, Any]:
        """Accepts the first that waits; its briefing, when the call is his and he may speak."""
        await self._until(lambda: bool(self.queue), "a call that waits")
        _, told = await self.asks("take", handoff_id=self.queue[0]["handoff_id"])
        self._seat = told["seat"]
        door = await self._asks("door")
        await self._room.connect(door["url"], door["token"])
        self._microphone.mute()
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        await self._room.local_participant.publish_track(self._microphone, options)
        while not (await self._asks("ready"))["is_heard"]:
            await asyncio.sleep(_BEAT_SECONDS / 2)
        await self._until(lambda: self.standing == "floor", "the floor")
        self._microphone.unmute()
        return dict(door["briefing"])

    async def says(self, line: Samples) -> None:
        """Speaks; returns when it is said."""
        for frame in whole_frames(line).reshape(-1, FRAME):
            await self._source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, FRAME))
        await self._source.wait_for_playout()

    async def hands_back(self, service: str, note: str) -> None:
        """The two steps of it."""
        handoff_id = (await self._asks("back", service=service, note=note))["handoff_id"]
        self._microphone.mute()
        self._beats.cancel()
        await self._asks("pass", handoff_id=handoff_id)
        await self._room.disconnect()

    async def ends_the_call(self) -> None:
        """Hangs up for everybody."""
        await self._asks("end")

    async def _until(self, so: Any, what: str) -> None:
        try:
            async with asyncio.timeout(_PATIENT_SECONDS):
                while not so():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not within {_PATIENT_SECONDS:g} s: {what}") from None
