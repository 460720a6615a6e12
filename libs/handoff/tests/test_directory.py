"""Who may be told what."""

from __future__ import annotations

import pytest
from handoff.context import NEVER_CROSSES, SECRET
from handoff.desk import DESK, ENTRY
from handoff.directory import DIRECTORY, LAST_RESORT, service_for


@pytest.mark.parametrize("intent", ["billing", "technical", "sales", "escalation", "general"])
def test_each_intent_has_exactly_one_service(intent: str) -> None:
    takers = [entry for entry in DIRECTORY.values() if intent in entry.intents]
    assert takers == [service_for(intent)]


def test_an_intent_that_nobody_takes_has_no_service() -> None:
    assert service_for("astrology") is None


def test_what_proves_an_identity_is_received_by_nobody() -> None:
    assert all(entry.receives.isdisjoint(NEVER_CROSSES) for entry in DIRECTORY.values())


def test_the_front_desk_is_told_a_name_and_nothing_else() -> None:
    assert DIRECTORY["triage"].receives == {"display_name"}


def test_every_specialist_receives_the_capability_and_customer_care_all_that_any_other_does() -> None:
    specialists = [entry for entry in DIRECTORY.values() if entry.name != "triage"]
    assert all("identity_capability" in entry.receives for entry in specialists)
    assert DIRECTORY["escalation"].receives == frozenset().union(*(entry.receives for entry in specialists))


def test_each_service_has_a_name_that_fits_into_a_sentence() -> None:
    assert {name: entry.spoken_name for name, entry in DIRECTORY.items()} == {
        "triage": "front desk",
        "billing": "billing specialist",
        "technical": "technical specialist",
        "sales": "sales specialist",
        "escalation": "customer care lead",
    }


def test_a_stand_in_exists_is_somebody_else_and_may_be_told_all_that_the_service_may() -> None:
    for entry in DIRECTORY.values():
        for name in entry.stands_in:
            assert name != entry.name
            assert entry.receives <= DIRECTORY[name].receives


def test_every_service_but_the_last_resort_has_a_stand_in() -> None:
    assert [entry.name for entry in DIRECTORY.values() if not entry.stands_in] == [LAST_RESORT]


def test_the_human_desk_is_no_service_and_may_be_told_all_that_customer_care_may_but_no_proof_for_a_back_office() -> (
    None
):
    assert DESK not in DIRECTORY
    assert ENTRY.receives == DIRECTORY[LAST_RESORT].receives - SECRET
    assert ENTRY.intents == frozenset()
