"""How a job is called in the room, by what it was told: two that come for one dispatch are never called alike."""

from __future__ import annotations

import pytest
from worker.main_process.run import _identity


@pytest.mark.parametrize(
    ("told", "identities"),
    [
        ({}, ["billing-AJ_1", "billing-AJ_2"]),
        ({"handoff_id": "h1"}, ["billing-h1-AJ_1", "billing-h1-AJ_2"]),
        ({"handoff_id": "m1", "silent": "1"}, ["billing-m1-AJ_1", "billing-m1-AJ_2"]),
        ({"resume": "2", "agent_id": "billing-r2-0a1b2c"}, ["billing-r2-0a1b2c-AJ_1", "billing-r2-0a1b2c-AJ_2"]),
    ],
    ids=["a new call", "a handoff", "a move", "a successor"],
)
def test_two_jobs_of_one_dispatch_have_each_a_name_of_its_own(told: dict[str, str], identities: list[str]) -> None:
    assert [_identity("billing", told, job_id) for job_id in ("AJ_1", "AJ_2")] == identities


def test_who_is_sent_under_a_name_of_his_own_keeps_it() -> None:
    assert _identity("billing", {"handoff_id": "h1", "agent_id": "human-0a1b2c"}, "AJ_1") == "human-0a1b2c"
