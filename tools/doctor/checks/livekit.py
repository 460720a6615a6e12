"""LiveKit: is it there, does it know our key, which version is it."""

from __future__ import annotations

import asyncio
import secrets
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
from google.protobuf.message import DecodeError
from livekit.api import AccessToken, VideoGrants
from livekit.protocol import agent
from worker.main_process.surroundings import livekit_problem
from worker.settings import Settings, SettingsError

from local.supervisor import livekit as local_livekit
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Target

_ANSWER_SECONDS = 4.0
OLDEST = (1, 13, 2)
"""Dispatch attributes and agents.target_load came with it."""
KNOWN_GOOD = (1, 13)
"""All tests and measurements were made on versions of this line."""


async def reachable(target: Target) -> Answer:
    """Without LiveKit there is no call: callers get no token's room, and workers end at their start."""
    url = target.value("LIVEKIT_URL")
    try:
        async with _session() as session, session.get(_http(url)) as response:
            body = (await response.text()).strip()
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        return "", [
            Trouble(
                f"no LiveKit answers at {_place(url)} ({type(error).__name__})",
                f"LIVEKIT_URL, in {target.home}",
                f"{_start(target)}; or set LIVEKIT_URL to where it is",
            )
        ]
    if response.status != 200 or body != "OK":
        return "", [
            Trouble(
                f"what answers at {_place(url)} is not LiveKit ({response.status})",
                f"LIVEKIT_URL, in {target.home}",
                "set LIVEKIT_URL to LiveKit's own address, without a path: ws://host:7880, or wss://name behind a proxy",
            )
        ]
    return f"it answers at {_place(url)}"


async def credentials(target: Target) -> Answer:
    """A key that LiveKit does not know is refused to workers at their start, and to every caller who wants a token's room."""
    await _is_there(target)
    if problem := await livekit_problem(_settings(target)):
        what, _, mend = problem.partition("; ")
        return "", [Trouble(what, f"LIVEKIT_API_KEY and LIVEKIT_API_SECRET, in {target.home}", mend or "mend them")]
    return "the key and its secret are accepted"


async def version(target: Target) -> Answer:
    """An older LiveKit knows no dispatch attributes, so a taker would not know his handoff; a newer one was not tried by us.

    Asked by registering as a worker of a name that nobody dispatches: no room is made, and that workers may register is seen as well.
    """
    await _is_there(target)
    told = await _server_version(_settings(target))
    found = tuple(int(part) for part in told.split(".")[:3] if part.isdecimal())
    where = f"LiveKit at {_place(target.value('LIVEKIT_URL'))}"
    if not found:
        return "", [Trouble(f"it calls its version {told!r}", where, "livekit-server --version, there", is_fatal=False)]
    if found < OLDEST:
        return "", [
            Trouble(f"version {told} is too old: {'.'.join(map(str, OLDEST))} or newer is needed", where, f"install {local_livekit.IMAGE}")
        ]  # fmt: skip
    if found[:2] != KNOWN_GOOD:
        known = ".".join(map(str, KNOWN_GOOD))
        return "", [
            Trouble(
                f"version {told} is not one that was tried ({known}.x)",
                where,
                f"make e2e FULL=1 with this version, or install {local_livekit.IMAGE}",
                is_fatal=False,
            )
        ]
    return f"version {told}"


async def clock_offset(target: Target) -> float:
    """How far this machine's clock is ahead of LiveKit's, in seconds; whole seconds, for that is what HTTP tells. Raises Skipped."""
    await _is_there(target)
    async with _session() as session:
        before = target.now()
        async with session.get(_http(target.value("LIVEKIT_URL"))) as response:
            after = target.now()
    if not (told := response.headers.get("Date")):
        raise Skipped("LiveKit's answer has no date: a proxy took it away")
    # It tells the second that has begun.
    return (before + after) / 2 - (parsedate_to_datetime(told).timestamp() + 0.5)


async def _server_version(settings: Settings) -> str:
    grants = VideoGrants(agent=True)
    token = AccessToken(settings.livekit_api_key, settings.livekit_api_secret).with_grants(grants).to_jwt()
    name = f"doctor-{secrets.token_hex(4)}"
    asked = agent.WorkerMessage(register=agent.RegisterWorkerRequest(type=agent.JobType.JT_ROOM, agent_name=name))
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            _session() as session,
            session.ws_connect(f"{_http(settings.livekit_url)}agent", headers=headers) as socket,
        ):
            await socket.send_bytes(asked.SerializeToString())
            async with asyncio.timeout(_ANSWER_SECONDS):
                message = await socket.receive()
        answer = agent.ServerMessage.FromString(message.data)
    except aiohttp.WSServerHandshakeError as error:
        raise Skipped(f"it lets no worker register ({error.status}): see livekit.credentials") from None
    except (DecodeError, TypeError):
        raise Skipped("it does not tell its version to a worker that registers") from None
    return answer.register.server_info.version


async def _is_there(target: Target) -> None:
    url = target.value("LIVEKIT_URL")
    try:
        async with _session() as session, session.get(_http(url)):
            return
    except (TimeoutError, aiohttp.ClientError, OSError):
        raise Skipped("LiveKit does not answer: see livekit.reachable") from None


def _settings(target: Target) -> Settings:
    """Of a worker, for its address and key alone: what else is wrong with them is another check's."""
    needed = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
    enough = {"REDIS_URL": "redis://-", "OPENAI_API_KEY": "-"}
    try:
        return Settings.from_env({name: target.value(name) for name in needed} | enough)
    except SettingsError:
        raise Skipped("LiveKit's address is not usable: see the check settings") from None


def _start(target: Target) -> str:
    return (
        f"start it ({target.restart('livekit')})"
        if target.is_local
        else "start it (livekit-server --config livekit.yaml)"
    )


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS))


def _http(url: str) -> str:
    return "http" + url.strip().removeprefix("ws").rstrip("/") + "/"


def _place(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
