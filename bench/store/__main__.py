"""`python -m bench.store [--calls 1000]`: how much of a core, and how much memory, a live call costs its Redis.

A real server, the real store, many calls at once. The figures are the server's own: processor time (user and system) and memory, before
and after; what else the machine does shows in them little, and the load average stands beside. How often a live call asks for what is
reckoned from the defaults of the settings (``RATES``), and so is how many calls a core carries.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from handoff.call import Ending
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.testing import make_call, make_handoff, make_turn, make_worker
from redis.asyncio import Redis

from local.settings import LocalSettings
from local.supervisor import redis
from local.supervisor.ports import HOST, Ports
from local.supervisor.process import Process

_AT_ONCE = 32
_TURNS = 40
"""Of a call of five minutes."""
_LEASE = 3600.0
RATES = {
    "a renewed lease": 3.0,
    "a record written, 40 turns": 0.4,
    "a handoff, offer to spoken": 2 / 300,
    "a guardian's look": 10 / 10,
    "a worker's status": 1 / 10,
}
"""A second, for each live call: a lease of 1 s is renewed three times; a turn each 2.5 s; two handoffs in five minutes; a guardian that looks
each 100 ms and a status each second, for the ten calls of a worker."""
_CORE_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one question: microseconds of the server's processor, and commands in it (those of a script are counted)."""

    micros: float
    commands: float


class Bench:
    """One store on one server."""

    def __init__(self, url: str, calls: int) -> None:
        self._store, self._calls = RedisStore.connect(url, answer_timeout_seconds=30), calls
        self._client = Redis.from_url(url, decode_responses=True)
        turns = tuple(
            make_turn(f"This is what somebody said in turn {n} of a call of five minutes.") for n in range(_TURNS)
        )
        self._records = [make_call(f"call-{n}", turns=turns) for n in range(calls)]

    async def run(self) -> tuple[dict[str, Cost], float, float, float]:
        """Costs by what is asked; bytes for a live call, for a handoff, and for a line of the ledger."""
        empty = await self._bytes()
        await self._each(self._begin)
        full = await self._bytes()
        costs = {
            "a renewed lease": await self._cost(self._renew),
            "a record written, 40 turns": await self._cost(self._write),
            "a handoff, offer to spoken": await self._cost(self._hand_over),
        }
        handed = await self._bytes()
        costs["a guardian's look"] = await self._cost(self._look)
        costs["a worker's status"] = await self._cost(self._tell)
        await self._each(self._end)
        ledger = await self._client.memory_usage(self._store.keys.ledger, samples=0) or 0
        await self._store.aclose()
        await self._client.aclose()
        return costs, (full - empty) / self._calls, (handed - full) / self._calls, ledger / self._calls

    async def _begin(self, n: int) -> None:
        await self._store.open_call(self._records[n])
        await self._store.take_floor(f"call-{n}", service="triage", agent_id="triage-1", lease_seconds=_LEASE)

    async def _renew(self, n: int) -> None:
        await self._store.renew_floor(f"call-{n}", epoch=1, lease_seconds=_LEASE)

    async def _write(self, n: int) -> None:
        await self._store.checkpoint(self._records[n], epoch=1)

    async def _hand_over(self, n: int) -> None:
        """Everything that giver and taker ask of the store in it, each of them watching."""
        call, id_ = replace(self._records[n], turns=self._records[n].turns[:12]), f"handoff-{n}"
        await self._store.offer(make_handoff(id_, call=call, now=await self._store.now()))
        watching = [self._store.watch(id_) for _ in range(2)]
        for watch in watching:
            await anext(watch)
        for state, taker_id in ((State.ACCEPTED, ""), (State.DISPATCHED, ""), (State.READY, "billing-1")):
            await self._store.move(id_, state, taker_id=taker_id)
            for watch in watching:
                await anext(watch)
        await self._store.pass_floor(id_, epoch=1, lease_seconds=_LEASE)
        await self._store.load_call(f"call-{n}")
        await self._store.move(id_, State.SPOKEN)
        for watch in watching:
            await watch.aclose()

    async def _end(self, n: int) -> None:
        await self._store.end_call(f"call-{n}", epoch=2, ending=Ending.RESOLVED)

    async def _look(self, n: int) -> None:
        await self._store.overdue()

    async def _tell(self, n: int) -> None:
        await self._store.note_worker(make_worker(f"billing-{n % 100}"), seconds=60)

    async def _cost(self, ask: Callable[[int], Awaitable[None]]) -> Cost:
        await ask(0) if ask == self._look else None  # its text is loaded once
        before = await self._spent()
        await self._each(ask)
        after = await self._spent()
        return Cost((after[0] - before[0]) * 1e6 / self._calls, (after[1] - before[1]) / self._calls)

    async def _each(self, ask: Callable[[int], Awaitable[None]]) -> None:
        waiting = iter(range(self._calls))

        async def some() -> None:
            for n in waiting:
                await ask(n)

        await asyncio.gather(*(some() for _ in range(_AT_ONCE)))

    async def _spent(self) -> tuple[float, int]:
        cpu, stats = await self._client.info("cpu"), await self._client.info("commandstats")
        return cpu["used_cpu_user"] + cpu["used_cpu_sys"], sum(each["calls"] for each in stats.values())

    async def _bytes(self) -> int:
        return int((await self._client.info("memory"))["used_memory"])


def report(
    costs: dict[str, Cost], call_bytes: float, handoff_bytes: float, line_bytes: float, *, head: Sequence[str]
) -> str:
    """As a page for bench/results."""
    lines = [
        *head,
        "",
        "| what | µs of a core | commands in Redis | a second, for each live call |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {what} | {cost.micros:.0f} | {cost.commands:.1f} | {RATES[what]:.4g} |" for what, cost in costs.items()
    ]
    micros = sum(cost.micros * RATES[what] for what, cost in costs.items())
    commands = sum(cost.commands * RATES[what] for what, cost in costs.items())
    asked = (
        RATES["a renewed lease"]
        + RATES["a record written, 40 turns"]
        + RATES["a guardian's look"]
        + RATES["a worker's status"]
    )
    lines += ["", "| a live call | figure |", "| --- | --- |"]
    lines += [f"| questions a second (round trips, without those of handoffs) | {asked:.1f} |"]
    lines += [f"| commands in Redis a second, those of scripts counted | {commands:.0f} |"]
    lines += [
        f"| of a core | {micros / _CORE_MICROS:.3%} |",
        f"| **calls that half a core carries** | **{_CORE_MICROS / 2 / micros:.0f}** |",
    ]
    lines += [
        f"| memory, {_TURNS} turns | {call_bytes / 1024:.1f} KiB |",
        f"| memory of a handoff, for 300 s | {handoff_bytes / 1024:.1f} KiB |",
    ]
    lines += [f"| memory of a ledger line, for 7 days | {line_bytes / 1024:.2f} KiB |"]
    return "\n".join(lines) + "\n"


async def _measured(calls: int, *, appends: bool) -> str:
    settings, ports = LocalSettings.from_env(), Ports()
    port = ports.pick()
    with tempfile.TemporaryDirectory() as folder:
        server = redis.find_server(settings.search_path)
        spec = redis.spec(server=server, port=port, data_dir=Path(folder), env=settings.inherited)
        log = Path(folder) / "redis.log"
        process = Process(spec, log_path=log, cwd=Path(folder), on_group=lambda name, group: None)
        await process.start()
        await process.wait_ready()
        try:
            url, load = f"redis://{HOST}:{port}/0", os.getloadavg()[0]
            async with Redis.from_url(url, decode_responses=True) as client:
                told = await client.info("server")
                await client.config_set("appendonly", "yes" if appends else "no")
            found = await Bench(url, calls).run()
        finally:
            await process.stop()
            ports.release()
    head = [
        "# What a live call costs its Redis",
        "",
        f"`python -m bench.store --calls {calls}{' --appendonly' if appends else ''}`: {calls} live calls, each question asked once of each, {_AT_ONCE} at a time; "
        f"Redis {told.get('valkey_version') or told['redis_version']}, {os.cpu_count()} cores, load {load:.1f} before and "
        f"{os.getloadavg()[0]:.1f} after. Processor time and memory are the server's own.",
    ]
    return report(*found, head=head)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="live calls at once (default: 1000)")
    parser.add_argument("--appendonly", action="store_true", help="Redis logs each write, as it should in production")
    parser.add_argument("--out", type=Path, help="a file for the page; printed otherwise")
    options = parser.parse_args(argv)
    page = asyncio.run(_measured(options.calls, appends=options.appendonly))
    print(page)
    if options.out:
        options.out.write_text(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
