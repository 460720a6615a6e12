"""What a scrape of a worker shows."""

from __future__ import annotations

from prometheus_client import generate_latest
from telemetry.catalog import FROM_CALLS, OF_WORKERS
from worker.main_process.observe import Metrics


def scraped(metrics: Metrics) -> list[str]:
    return generate_latest(metrics.registry).decode().splitlines()


def test_a_scrape_shows_the_calls_of_this_moment() -> None:
    now = {"active": 0}
    metrics = Metrics("billing", active=lambda: now["active"], capacity=lambda: 10)
    assert 'active_sessions{service="billing"} 0.0' in scraped(metrics)
    now["active"] = 3
    assert 'active_sessions{service="billing"} 3.0' in scraped(metrics)
    assert 'voicemesh_capacity_sessions{service="billing"} 10.0' in scraped(metrics)


def test_answers_to_job_requests_are_counted_by_answer() -> None:
    metrics = Metrics("triage", active=lambda: 0, capacity=lambda: 1)
    for answer in ("accepted", "accepted", "full"):
        metrics.job_answered(answer)
    lines = scraped(metrics)
    assert 'voicemesh_job_requests_total{answer="accepted",service="triage"} 2.0' in lines
    assert 'voicemesh_job_requests_total{answer="full",service="triage"} 1.0' in lines


def test_every_metric_has_a_help_text() -> None:
    metrics = Metrics("triage", active=lambda: 0, capacity=lambda: 1)
    metrics.job_answered("accepted")
    names = {line.split()[2] for line in scraped(metrics) if line.startswith("# TYPE")}
    helped = {line.split()[2] for line in scraped(metrics) if line.startswith("# HELP") and len(line.split()) > 3}
    assert names == helped


def test_two_workers_of_one_process_do_not_share_their_numbers() -> None:
    one = Metrics("triage", active=lambda: 1, capacity=lambda: 1)
    other = Metrics("billing", active=lambda: 2, capacity=lambda: 2)
    assert not any("billing" in line for line in scraped(one))
    assert not any("triage" in line for line in scraped(other))


def test_recoveries_are_counted_by_service_detector_and_outcome() -> None:
    metrics = Metrics("triage", active=lambda: 0, capacity=lambda: 1)
    metrics.recovered("billing", detector="parent", outcome="relaunched")
    metrics.recovered("billing", detector="lease", outcome="dispatched")
    metrics.recovered("billing", detector="lease", outcome="dispatched")
    lines = scraped(metrics)
    start = "voicemesh_recoveries_total{detector="
    assert f'{start}"parent",outcome="relaunched",service="billing"}} 1.0' in lines
    assert f'{start}"lease",outcome="dispatched",service="billing"}} 2.0' in lines


def test_the_calls_of_the_whole_mesh_are_shown_once_they_were_counted() -> None:
    metrics = Metrics("triage", active=lambda: 0, capacity=lambda: 1)
    assert not [line for line in scraped(metrics) if line.startswith("voicemesh_live_calls ")]
    metrics.live_calls(7)
    assert "voicemesh_live_calls 7.0" in scraped(metrics)


def test_what_a_job_observed_and_how_services_can_be_reached_is_on_the_same_page() -> None:
    metrics = Metrics("triage", active=lambda: 0, capacity=lambda: 1)
    metrics.kept.take("voicemesh_handoffs_total", 1, {"from": "triage", "to": "billing", "outcome": "moved"}, "call-1")
    metrics.way_to("billing", breaker=1.0, waiting=3)
    metrics.store_answered(False)
    metrics.observations_lost(2)
    lines = scraped(metrics)
    assert 'voicemesh_handoffs_total{from="triage",outcome="moved",to="billing"} 1.0' in lines
    assert 'voicemesh_breaker_open{to="billing"} 1.0' in lines
    assert 'voicemesh_queue_length{to="billing"} 3.0' in lines
    assert 'voicemesh_store_up{service="triage"} 0.0' in lines
    assert 'voicemesh_observations_lost_total{service="triage"} 2.0' in lines


def test_what_a_worker_shows_is_what_the_catalog_says_of_a_worker() -> None:
    metrics = Metrics("triage", active=lambda: 0, capacity=lambda: 1, is_canary=True)
    metrics.live_calls(1)
    metrics.canary(share=1, is_stopped=False)
    shown = {family.name: family.documentation for family in metrics.registry.collect()}
    known = {metric.name.removesuffix("_total"): metric.help for metric in (*OF_WORKERS, *FROM_CALLS)}
    assert shown == known
