"""Microseconds of each thing that telemetry does in a call: an observation on both ends of its way, a span, a log line."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from telemetry import tracing
from telemetry.catalog import FROM_CALLS
from telemetry.instruments import Instruments
from telemetry.log_lines import JsonLines
from telemetry.relay import Receiver, Sender, new_address

from bench.telemetry.sink import sink

CALL = "call-0123456789"
_SERVICES = ("triage", "billing", "technical", "sales", "escalation")
_BURST, _PAUSE_SECONDS = 10, 0.002
"""As a turn's observations come: some at once, then none; without a pause the socket would fill up."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Each ``micros`` is one go by the clock; ``cpu_micros`` is what the whole process used of a processor for one, on the average."""

    what: str
    micros: list[float]
    cpu_micros: float


def all_of(times: int) -> Iterator[Figure]:
    """Every step, measured ``times`` times."""
    with _main_process() as address:
        yield _measured("an observation, in the job", _sending(address), times, paused=True)
    yield _measured("the same, in the main process", _receiving(), times)
    yield _measured("a scrape of all that calls tell, OpenMetrics", _scraping(), max(20, times // 50))
    yield _measured("a span, with no endpoint", _a_span, times)
    with sink() as endpoint:
        tracing.start("billing", version="1", endpoint=endpoint)
        yield _measured("a span, sent to a collector", _a_span, times, paused=True)
        tracing.stop()
    yield _measured("a log line as JSON, with its trace id", _a_line(), times)


def _measured(what: str, go: Callable[[], object], times: int, *, paused: bool = False) -> Figure:
    for _ in range(100):
        go()
    gc.collect()
    micros, pauses, cpu = [], 0.0, time.process_time()
    for number in range(times):
        began = time.perf_counter_ns()
        go()
        micros.append((time.perf_counter_ns() - began) / 1000)
        if paused and number % _BURST == _BURST - 1:
            slept = time.process_time()
            time.sleep(_PAUSE_SECONDS)
            pauses += 0 if tracing.is_on() else time.process_time() - slept  # an exporter works meanwhile
    return Figure(what, micros, (time.process_time() - cpu - pauses) / times * 1e6)


# --- what is measured -------------------------------------------------------------------------------------------------
def _sending(address: str) -> Callable[[], object]:
    sender = Sender(address)
    return lambda: sender.take("voicemesh_response_seconds", 0.9, {"service": "billing"}, CALL)


def _receiving() -> Callable[[], object]:
    kept = Instruments(CollectorRegistry(), FROM_CALLS)
    receiver = Receiver(kept)
    message = {"name": "voicemesh_response_seconds", "value": 0.9, "labels": {"service": "billing"}, "call_id": CALL}
    line = json.dumps(message).encode() + b"\n"
    return lambda: receiver.data_received(line)


def _scraping() -> Callable[[], object]:
    """With every metric in five services, or in five takers."""
    registry = CollectorRegistry()
    kept = Instruments(registry, FROM_CALLS)
    for metric in FROM_CALLS:
        for service in _SERVICES:
            labels = {label: values[0] if values else service for label, values in metric.labels.items()}
            kept.take(metric.name, 0.5, labels, CALL)
    return lambda: generate_latest(registry)  # type: ignore[no-untyped-call]


def _a_span() -> None:
    tracing.end(tracing.begin("turn", {"voicemesh.first_token_ms": 120, "voicemesh.voice_ms": 80}, call_id=CALL))


def _a_line() -> Callable[[], object]:
    formatter = JsonLines()
    record = logging.LogRecord("voicemesh.agent", logging.INFO, __file__, 1, "answered", (), None)
    record.call_id = CALL
    return lambda: formatter.format(record)


@contextmanager
def _main_process() -> Iterator[str]:
    """Somebody who takes observations, in another process; the address."""
    address, (ours, its) = new_address(), multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_listen, args=(address, its), daemon=True)
    process.start()
    ours.recv()
    try:
        yield address
    finally:
        process.kill()
        process.join()


def _listen(address: str, told: Connection) -> None:
    async def listen() -> None:
        await Receiver.listen(address, Instruments(CollectorRegistry(), FROM_CALLS))
        told.send(os.getpid())
        await asyncio.Event().wait()

    asyncio.run(listen())
