"""Which pods are looked after, and which of them needs which patch."""

from __future__ import annotations

from typing import Any

import pytest
from scale_down.pods import COST, Pod, calls_held, cost_to_write, merge_patch, running_pods


def listed(**changes: Any) -> dict[str, Any]:
    """An item of a PodList, as far as anybody looks at it."""
    return {
        "metadata": {"name": "billing-1", "uid": "u-1", "annotations": {COST: "2"}} | changes.pop("metadata", {}),
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
        }
        | changes,
    }


def one(**changes: Any) -> Pod:
    (pod,) = running_pods({"items": [listed(**changes)]})
    return pod


def test_a_running_pod_is_read_from_the_list() -> None:
    assert one() == Pod(name="billing-1", uid="u-1", address="10.0.0.7", cost="2", is_ready=True)


def test_a_pod_that_nothing_was_written_on_has_no_cost() -> None:
    assert one(metadata={"annotations": None}).cost is None
    assert one(metadata={"annotations": {"other": "3"}}).cost is None


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed", "Unknown"])
def test_a_pod_that_does_not_run_is_not_looked_after(phase: str) -> None:
    assert running_pods({"items": [listed(phase=phase)]}) == []


def test_a_pod_without_an_address_is_not_looked_after() -> None:
    assert running_pods({"items": [listed(podIP="")]}) == []
    assert running_pods({"items": [{"metadata": {"name": "a", "uid": "b"}}]}) == []


def test_a_list_without_items_is_empty() -> None:
    assert running_pods({"items": None}) == []


def test_a_pod_on_its_way_out_is_looked_after_still() -> None:
    assert one(metadata={"deletionTimestamp": "2026-12-01T10:00:00Z"}).name == "billing-1"


def test_a_pod_is_ready_when_its_condition_says_so() -> None:
    assert not one(conditions=[{"type": "Ready", "status": "False"}]).is_ready
    assert not one(conditions=None).is_ready


def test_an_address_of_six_groups_stands_in_brackets() -> None:
    assert one(podIP="fd00::7").address == "[fd00::7]"


@pytest.mark.parametrize(
    ("cost", "held", "written"),
    [
        ("2", 3, "3"),
        ("2", 0, "0"),
        ("2", 2, None),
        ("0", 0, None),
        (None, 0, "0"),
        (None, 4, "4"),
        ("2", None, None),
        (None, None, None),
        ("many", 0, "0"),
        ("0", 2**40, "2147483647"),
    ],
)
def test_a_cost_is_written_where_another_one_stands(cost: str | None, held: int | None, written: str | None) -> None:
    pod = Pod(name="billing-1", uid="u-1", address="10.0.0.7", cost=cost, is_ready=True)
    assert cost_to_write(pod, held) == written


def test_the_patch_holds_one_annotation_and_whose_it_is() -> None:
    assert merge_patch(one(), "3") == {"metadata": {"uid": "u-1", "annotations": {COST: "3"}}}


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        ({"status": "ready", "active_sessions": 3, "capacity": 10}, 3),
        ({"status": "not_ready", "reason": "draining", "active_sessions": 0}, 0),
        ({"active_sessions": -1}, None),
        ({"active_sessions": True}, None),
        ({"active_sessions": "3"}, None),
        ({"active_sessions": 1.5}, None),
        ({}, None),
        ([3], None),
        (None, None),
    ],
)
def test_a_worker_says_how_many_calls_it_holds(answer: object, held: int | None) -> None:
    assert calls_held(answer) == held
