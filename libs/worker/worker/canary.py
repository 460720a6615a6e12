"""`python -m worker.canary show|stop|reset SERVICE`: what a service's canary is given and what came of it, for people and for scripts.

Reads REDIS_URL alone. Exit codes: 0 it is running (for stop and reset: done), 1 there is none that is there, 2 wrong use or settings,
3 it is stopped, 4 the store does not answer. ``--json`` prints one object a line instead of words. A version is stopped until it is reset, or
another one comes; stopping takes nobody's call away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from handoff.canary import Canary
from handoff.directory import DIRECTORY
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore
from handoff.store import Store

from worker.settings import Settings, SettingsError

RUNNING, NONE, UNUSABLE, STOPPED, STORE_AWAY = range(5)
_MAX_WHY_CHARS = 200


def words(service: str, canary: Canary | None) -> str:
    """How it stands, for people."""
    if canary is None:
        return f"{service} has no canary"
    came = f"{canary.spoken} of its handoffs were spoken, {canary.failed} failed"
    if canary.stopped_at:
        at = datetime.fromtimestamp(canary.stopped_at, UTC).isoformat(timespec="seconds")
        return f"the canary of {service}, version {canary.version}, is stopped since {at}: {canary.why}; {came}"
    where = f"gets {canary.share} %" if canary.is_there else "is away"
    return f"the canary of {service}, version {canary.version}, {where}; {came}"


def code_of(canary: Canary | None) -> int:
    """The exit code of ``show``."""
    if canary is not None and canary.stopped_at:
        return STOPPED
    return RUNNING if canary is not None and canary.is_there else NONE


async def command(store: Store, what: str, service: str, *, why: str = "", as_json: bool = False) -> int:
    """Does it, prints how the canary stands then, and returns the exit code. Raises StoreUnavailable."""
    if what == "stop":
        canary = await store.stop_canary(service, why=why or "by hand")
    elif what == "reset":
        canary = await store.reset_canary(service)
    else:
        canary = await store.canary(service)
    if as_json:
        print(json.dumps(asdict(canary) | {"share": canary.share} if canary is not None else {"service": service}))
    else:
        print(words(service, canary))
    if what == "show" or canary is None:
        return code_of(canary)
    return RUNNING


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker.canary", description="How a service's canary stands.")
    parser.add_argument("what", choices=["show", "stop", "reset"])
    parser.add_argument("service", choices=list(DIRECTORY))
    parser.add_argument("--why", default="", help="why it is stopped, in a few words")
    parser.add_argument("--json", action="store_true", help="one object instead of words")
    asked = parser.parse_args(arguments)
    if len(asked.why) > _MAX_WHY_CHARS or not asked.why.isprintable():
        parser.error("--why is one short line")
    return asked


async def _with_store(url: str, asked: argparse.Namespace) -> int:
    store = RedisStore.connect(url)
    try:
        return await command(store, asked.what, asked.service, why=asked.why, as_json=asked.json)
    except StoreUnavailable as e:
        print(f"canary: REDIS_URL: no Redis serves us there ({e})", file=sys.stderr)
        return STORE_AWAY
    finally:
        await store.aclose()


def main(arguments: list[str]) -> int:
    """The whole command; its exit code."""
    asked = _asked(arguments)
    try:
        url = Settings.one_of_this_process("redis_url")
    except SettingsError as e:
        print(f"canary: {e}", file=sys.stderr)
        return UNUSABLE
    return asyncio.run(_with_store(url, asked))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
