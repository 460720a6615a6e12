"""What the mesh tells of a real call is what its catalog says: one trace, whole; every metric; and not one of the caller's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from telemetry.catalog import ATTRIBUTES, METRICS, SCALE_DOWN, SPANS
from telemetry.log_events import EVENTS
from telemetry.metric import Kind, Metric
from telemetry.names import agent_span_id, root_span_id
from telemetry.spans import WRITTEN

from tests.e2e.collector import Told
from tests.e2e.told_call import FACTS, ToldCall

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.short]

OF_PYTHON = ("python_", "process_")
"""What the client library may add."""
NOT_HERE = {metric.name for metric in SCALE_DOWN}
"""There is no Kubernetes under an end-to-end test."""

SERVICES_OF = {
    "the ledger": {"ledger"},
    "the gateway": {"gateway"},
    "the agent's job": {"triage", "billing"},
    "the agent's job; of a lost one its main process, or a guardian": {"triage", "billing"},
    "the back office": {"billing-mcp"},
    "the giver's job": {"triage"},
    "the taker's main process": {"billing"},
    "the taker's job": {"billing"},
    "the main process of the worker that won the call": {"billing"},
}
"""By who the catalog says writes a span: as whom that is known to a collector, in this call."""


@pytest.fixture
def told(killed_agents_call: ToldCall) -> ToldCall:
    return killed_agents_call


# --- metrics ----------------------------------------------------------------------------------------------------------
def families(told: ToldCall) -> Iterator[tuple[str, Family]]:
    """Each family that a process showed, by its name in the catalog."""
    for shown in told.shown.values():
        for family in text_string_to_metric_families(shown):
            if not family.name.startswith(OF_PYTHON):
                is_counter = family.type == "counter"
                yield (f"{family.name}_total" if is_counter else family.name), family


async def test_every_metric_that_is_shown_is_in_the_catalog_with_its_kind_and_its_words(told: ToldCall) -> None:
    wrong = []
    for name, family in families(told):
        metric = METRICS.get(name)
        created = name.endswith("_created") and family.type == "gauge"  # the text format's way of a counter's birth
        if not created and (metric is None or (family.type, family.documentation) != (metric.kind.value, metric.help)):
            wrong.append((name, family.type, family.documentation))
    assert wrong == []


async def test_every_label_is_in_the_catalog_and_has_a_value_that_it_lists(told: ToldCall) -> None:
    wrong = []
    for name, family in families(told):
        if (metric := METRICS.get(name)) is None:
            continue
        for sample in family.samples:
            labels = {label: value for label, value in sample.labels.items() if label != "le"}
            listed = all(not metric.labels.get(label) or v in metric.labels[label] for label, v in labels.items())
            if set(labels) != set(metric.labels) or not listed or "other" in labels.values():
                wrong.append(sample)
    assert wrong == []


async def test_an_ordinary_call_touches_every_metric_that_is_not_rare(told: ToldCall) -> None:
    touched = {
        name for name, family in families(told) if any(is_count_of(METRICS.get(name), s) for s in family.samples)
    }
    assert {name for name, metric in METRICS.items() if not metric.is_rare} - NOT_HERE - touched == set()


def is_count_of(metric: Metric | None, sample: object) -> bool:
    """Whether the sample shows that something was observed: a histogram has its buckets from the start."""
    name, value = sample.name, sample.value  # type: ignore[attr-defined]
    return metric is not None and (metric.kind is not Kind.HISTOGRAM or (name == f"{metric.name}_count" and value > 0))


async def test_a_histogram_leads_to_the_calls_trace(told: ToldCall) -> None:
    assert "voicemesh_handoff_gap_seconds_bucket{" in told.open_metrics
    assert f'# {{trace_id="{told.trace}"}}' in told.open_metrics


async def test_active_sessions_is_right_as_soon_as_a_job_was_killed(told: ToldCall) -> None:
    assert told.sessions_when_killed <= 1, "the killed one is not counted beside its successor"
    assert told.sessions_after == 1
    sessions = [s.value for name, family in families(told) if name == "active_sessions" for s in family.samples]
    assert sessions == [0.0] * len(told.evidence.mesh.workers)


# --- spans ------------------------------------------------------------------------------------------------------------
async def test_all_that_was_traced_is_one_trace_and_its_id_is_the_calls(told: ToldCall) -> None:
    assert {span.trace for span in told.spans} == {told.trace}
    assert {span.attributes.get("voicemesh.call_id", told.evidence.call.call_id) for span in told.spans} == {
        told.evidence.call.call_id
    }


async def test_every_span_of_the_catalog_is_there_and_no_other(told: ToldCall) -> None:
    assert {span.name for span in told.spans} == set(SPANS)


async def test_every_attribute_of_the_catalog_is_there_and_no_other(told: ToldCall) -> None:
    assert {name for span in told.spans for name in span.attributes} == set(ATTRIBUTES)


async def test_every_span_stands_where_the_catalog_says_and_is_written_by_whom_it_says(told: ToldCall) -> None:
    by_id = {span.id: span for span in told.spans}
    stands = {(span.name, by_id[span.parent].name if span.parent in by_id else "") for span in told.spans}
    assert stands == {(name, parent) for name, (_, parent) in WRITTEN.items()}
    wrong = [span for span in told.spans if span.service not in SERVICES_OF[WRITTEN[span.name][0]]]
    assert wrong == []


async def test_the_ledger_wrote_one_root_and_every_other_span_has_its_parent(told: ToldCall) -> None:
    (root,) = [span for span in told.spans if not span.parent]
    call_id = told.evidence.call.call_id
    assert (root.name, root.service, root.id) == ("call", "ledger", f"{root_span_id(call_id):016x}")
    ids = {span.id for span in told.spans}
    assert len(ids) == len(told.spans)
    assert [span for span in told.spans if span.parent and span.parent not in ids] == []


async def test_the_killed_agents_span_is_there_as_lost_and_its_successor_links_to_it(told: ToldCall) -> None:
    killed = f"{agent_span_id(told.evidence.call.call_id, told.killed_agent):016x}"
    assert [span.status for span in named(told, "agent") if span.id == killed] == ["lost"]
    successors = [span for span in named(told, "agent") if killed in span.links]
    assert [span.attributes["voicemesh.how"] for span in successors] == ["resume"]


def named(told: ToldCall, name: str) -> list[Told]:
    return [span for span in told.spans if span.name == name]


# --- words ------------------------------------------------------------------------------------------------------------
def words_of(text: str) -> set[str]:
    """The longer ones: an "and" proves nothing."""
    return set(re.findall(r"[a-z]{4,}", text.lower()))


_NAMES_OF_OTHERS = "find_account, process exited with non-zero exit code"
"""A tool's name, which is a label; what LiveKit logs of a process that was killed."""


def words_of_the_caller(told: ToldCall) -> set[str]:
    """All that he said, and what it was understood as, but words that we use for our own matters."""
    own = " ".join(
        [
            *(event.template for event in EVENTS),
            *METRICS,
            *(metric.help for metric in METRICS.values()),
            *SPANS,
            *ATTRIBUTES,
            _NAMES_OF_OTHERS,
        ]
    )
    heard = [turn.text for turn in told.evidence.call.turns if turn.role.value == "caller"]
    said = words_of(" ".join([*(line.say for line in told.script.lines), *heard])) - words_of(own)
    return said | {fact.lower() for fact in FACTS}


async def test_no_word_of_the_caller_is_in_a_span_a_metric_or_a_log_line(told: ToldCall) -> None:
    words = words_of_the_caller(told)
    assert {"charged", "twice", "invoice", "ac4721"} <= words
    where = {f"span {span.name}": span.whole for span in told.spans}
    where |= {f"metrics of {name}": shown for name, shown in told.shown.items()} | told.logs
    found = {
        (place, word)
        for place, text in where.items()
        for word in words & set(re.findall(r"[a-z0-9]{4,}", text.lower()))
    }
    assert found == set()
