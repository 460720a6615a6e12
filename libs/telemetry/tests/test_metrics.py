"""Metrics take what the catalog has; a job's arrive at its main process, also those of a job that is killed a moment later."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import signal

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from telemetry import measure
from telemetry.catalog import FROM_CALLS, METRICS
from telemetry.instruments import Instruments
from telemetry.log_lines import JsonLines
from telemetry.names import trace_hex_of
from telemetry.relay import Receiver, Sender, new_address

HANDOFF = {"from": "triage", "to": "billing", "outcome": "moved"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def kept(registry: CollectorRegistry) -> Instruments:
    return Instruments(registry, FROM_CALLS)


def test_a_counter_a_histogram_and_the_trace_that_belongs_to_them(
    kept: Instruments, registry: CollectorRegistry
) -> None:
    kept.take("voicemesh_handoffs_total", 1, HANDOFF, "call-7")
    kept.take("voicemesh_handoff_gap_seconds", 0.18, {"to": "billing"}, "call-7")
    assert registry.get_sample_value("voicemesh_handoffs_total", HANDOFF) == 1
    assert registry.get_sample_value("voicemesh_handoff_gap_seconds_sum", {"to": "billing"}) == 0.18
    assert generate_latest(registry).decode().count(f'# {{trace_id="{trace_hex_of("call-7")}"}}') == 2


def test_a_value_that_a_label_does_not_have_becomes_other(kept: Instruments, registry: CollectorRegistry) -> None:
    kept.take("voicemesh_handoffs_total", 1, {**HANDOFF, "outcome": "I was charged twice"}, "")
    kept.take("voicemesh_handoffs_total", 1, {**HANDOFF, "to": "I was charged twice"}, "")
    assert registry.get_sample_value("voicemesh_handoffs_total", {**HANDOFF, "outcome": "other"}) == 1
    assert registry.get_sample_value("voicemesh_handoffs_total", {**HANDOFF, "to": "other"}) == 1


def test_no_label_grows_without_bound(kept: Instruments, registry: CollectorRegistry) -> None:
    for number in range(1000):
        kept.take("voicemesh_sentiment", 0.5, {"service": f"s{number}"}, "")
    assert sum(sample.name == "voicemesh_sentiment_count" for m in registry.collect() for sample in m.samples) == 65


@pytest.mark.parametrize(
    ("name", "value", "labels"),
    [
        ("voicemesh_nothing", 1.0, {}),
        ("voicemesh_sentiment", float("nan"), {"service": "billing"}),
        ("voicemesh_sentiment", 0.5, {"caller": "Sarah"}),
    ],
)
def test_what_does_not_fit_the_catalog_is_left_out_and_said_without_its_values(
    kept: Instruments, caplog: pytest.LogCaptureFixture, name: str, value: float, labels: dict[str, str]
) -> None:
    kept.take(name, value, labels, "")
    assert "does not fit the catalog" in caplog.text
    assert "Sarah" not in caplog.text


def test_where_nobody_listens_an_observation_goes_nowhere(kept: Instruments, registry: CollectorRegistry) -> None:
    measure.into(kept)
    measure.count("voicemesh_handoffs_total", HANDOFF)
    measure.into(None)
    measure.count("voicemesh_handoffs_total", HANDOFF)
    assert registry.get_sample_value("voicemesh_handoffs_total", HANDOFF) == 1


async def test_what_a_job_observed_is_with_its_main_process_when_the_job_is_killed(
    kept: Instruments, registry: CollectorRegistry
) -> None:
    address = new_address()
    listening = await Receiver.listen(address, kept)
    job = multiprocessing.get_context("spawn").Process(target=_observe_and_be_killed, args=(address,))
    await asyncio.to_thread(job.start)
    await asyncio.to_thread(job.join)
    await _drained(lambda: registry.get_sample_value("voicemesh_handoffs_total", HANDOFF) == 100)
    assert job.exitcode == -signal.SIGKILL
    listening.close()


def _observe_and_be_killed(address: str) -> None:
    sender = Sender(address)
    for _ in range(100):
        sender.take("voicemesh_handoffs_total", 1, HANDOFF, "call-7")
    os.kill(os.getpid(), signal.SIGKILL)


async def test_nonsense_on_the_socket_is_left_out(
    kept: Instruments, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver(kept)
    receiver.data_received(b'\xff\n[]\n{"name": "voicemesh_handoffs_total"}\n{"name":1,"value":[],"labels":{}}\n')
    receiver.data_received(b"x" * 5000)
    line = json.dumps({"name": "voicemesh_handoffs_total", "value": 1, "labels": HANDOFF}).encode()
    receiver.data_received(line[:20])
    receiver.data_received(line[20:] + b"\n")
    assert registry.get_sample_value("voicemesh_handoffs_total", HANDOFF) == 1


async def test_what_a_job_had_no_room_for_is_counted_and_told_when_there_is_room_again(
    kept: Instruments, registry: CollectorRegistry
) -> None:
    address, lost = new_address(), []
    sender = Sender(address)
    for _ in range(1000):
        sender.take("voicemesh_handoffs_total", 1, HANDOFF, "")  # nobody listens yet
    listening = await Receiver.listen(address, kept, lost=lost.append)
    for _ in range(2):  # the first one makes room
        sender.take("voicemesh_handoffs_total", 1, HANDOFF, "")
    await _drained(lambda: lost)
    arrived = registry.get_sample_value("voicemesh_handoffs_total", HANDOFF)
    assert arrived is not None and arrived + sum(lost) == 1002
    listening.close()
    sender.close()


async def _drained(is_there: object) -> None:
    async with asyncio.timeout(20):
        while not is_there():  # type: ignore[operator]
            await asyncio.sleep(0.01)


def test_every_metric_says_what_it_means_and_what_is_normal() -> None:
    assert [name for name, metric in METRICS.items() if not metric.help] == []
    assert [name for name in METRICS if not (name.startswith("voicemesh_") or name == "active_sessions")] == []


def test_a_log_line_of_a_call_has_its_trace_and_only_fields_that_were_chosen() -> None:
    record = logging.LogRecord("voicemesh.agent", logging.INFO, __file__, 1, "moved", (), None)
    record.call_id, record.said = "call-7", "I was charged twice"
    line = json.loads(JsonLines().format(record))
    assert line["trace_id"] == trace_hex_of("call-7")
    assert "said" not in line
