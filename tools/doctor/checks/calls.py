"""The calls themselves: whether somebody sits in silence now, or waits for our call; and one call of our own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

from handoff.errors import StoreUnavailable
from handoff.keys import PLAIN
from handoff.redis_store import RedisStore

from gateway.settings import ENVIRONMENT
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Target
from tools.house import ROOT

ENDING_BOUND_SECONDS = 30.0
"""VOICEMESH_ENDING_BOUND_SECONDS: guardians give up on a call after about 20 s."""
CALLBACK_BOUND_SECONDS = 3600.0
CALL_SECONDS = 300.0
_WHERE = f"{PLAIN.live}, in Redis"


async def endings(target: Target) -> Answer:
    """A call that nobody has held for half a minute, and nobody has ended, is a caller in silence, or one whom no guardian finds."""
    bound = _seconds(target, "VOICEMESH_ENDING_BOUND_SECONDS", ENDING_BOUND_SECONDS)
    store = RedisStore.connect(target.value("REDIS_URL"))
    try:
        live, now = await store.live_calls(), await store.now()
        late = []
        for overdue in await store.overdue():
            floor = await store.load_floor(overdue.call_id)
            if floor is not None and now - floor.lease_until > bound:
                late.append(overdue.call_id)
    except StoreUnavailable:
        raise Skipped("Redis does not answer: see redis.reachable") from None
    finally:
        await store.aclose()
    if late:
        return "", [
            Trouble(f"{len(late)} calls have no owner and no ending, the first one {late[0]}", _WHERE, f"see services.workers: guardians live in the workers; then make ledger CALL={late[0]}, and docs/operations/faults.md")
        ]  # fmt: skip
    return f"{len(live)} calls go on, each has an owner"


async def callbacks(target: Target) -> Answer:
    """A callback that nobody makes is a promise that we broke to somebody who waits by his telephone."""
    bound = _seconds(target, "VOICEMESH_CALLBACK_BOUND_SECONDS", CALLBACK_BOUND_SECONDS)
    store = RedisStore.connect(target.value("REDIS_URL"))
    try:
        due, now = await store.callbacks_due(), await store.now()
    except StoreUnavailable:
        raise Skipped("Redis does not answer: see redis.reachable") from None
    finally:
        await store.aclose()
    late = [ticket for ticket in due if now - ticket.due_at > bound]
    if late:
        return "", [
            Trouble(f"{len(late)} callbacks are overdue, the oldest by {(now - late[0].due_at) / 3600:.1f} h (ticket {late[0].ticket_id})", "callbacks that are due, in Redis", f"make ledger CALLBACKS=1, or the desk's page: call back; then python -m ledger done {late[0].ticket_id}", is_fatal=False)
        ]  # fmt: skip
    return f"{len(due)} are due, none is overdue"


async def call(target: Target) -> Answer:
    """Everything may be well and a caller hear nothing: a recorded one calls, is handed over, and what he heard is judged."""
    if not target.caller:
        raise Skipped("give --call (make doctor PLACE=1) to place a spoken call")
    needed = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "REDIS_URL")
    env = {name: target.value(name) for name in needed}
    with contextlib.suppress(Skipped):
        speech = target.value("VOICEMESH_SPEECH_URL")
        if not speech.startswith("http://speech:"):
            env["VOICEMESH_SPEECH_URL"] = speech
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local", "place", target.caller,
        cwd=ROOT, env={**ENVIRONMENT, **env}, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            await process.wait()
    lines = [line for line in printed.decode(errors="replace").splitlines() if line.strip()]
    if process.returncode:
        wrong = [line.strip() for line in lines if line.strip().startswith("not as expected")]
        told = wrong[0] if wrong else (lines[-1].strip() if lines else "it printed nothing")
        return "", [
            Trouble(f"the call of {target.caller} went wrong: {told[:160]}", ".run/placed", f"python -m local place {target.caller}, with this mesh's variables, prints it as it goes; .run/placed has its sound and report")
        ]  # fmt: skip
    return f"{target.caller} was answered, handed over and served"


def _seconds(target: Target, name: str, default: float) -> float:
    with contextlib.suppress(Skipped, ValueError):
        return float(target.value(name))
    return default
