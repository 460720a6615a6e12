"""The nouns of a call, the directory and the faults: small promises that others build on."""

from __future__ import annotations

import pytest
from handoff import errors
from handoff.call import Fact, Source
from handoff.directory import DIRECTORY, service_for
from handoff.errors import HandoffError
from handoff.testing import make_call, make_context, make_fact, make_floor


def test_only_a_tool_can_verify_a_fact() -> None:
    Fact("account_id", "AC4721", Source.TOOL, 0.0, verified=True)
    with pytest.raises(ValueError, match="only a tool"):
        Fact("account_id", "AC4721", Source.CALLER, 0.0, verified=True)


def test_the_newest_fact_of_a_name_counts_but_a_verified_one_more() -> None:
    said, verified, said_later = (
        make_fact(value="AC4712"),
        make_fact(value="AC4721", source=Source.TOOL, verified=True),
        make_fact(value="AC4700"),
    )
    for noun in (make_call, make_context):
        assert noun(facts=(said, said_later)).fact("account_id") == said_later
        assert noun(facts=(said, verified, said_later)).fact("account_id") == verified
        assert noun(facts=()).fact("account_id") is None


def test_nouns_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        make_floor().epoch = 2


@pytest.mark.parametrize("name", sorted(DIRECTORY))
def test_an_entry_of_the_directory_goes_by_its_own_name(name: str) -> None:
    assert DIRECTORY[name].name == name
    assert DIRECTORY[name].spoken_name


def test_no_intent_has_two_services() -> None:
    intents = [intent for entry in DIRECTORY.values() for intent in entry.intents]
    assert len(intents) == len(set(intents))
    assert all(service_for(intent) is not None for intent in intents)


def test_an_intent_that_no_service_takes_has_none() -> None:
    assert service_for("astrology") is None


def test_only_faults_of_the_network_are_retryable() -> None:
    faults = [
        fault
        for fault in vars(errors).values()
        if isinstance(fault, type) and issubclass(fault, HandoffError) and fault is not HandoffError
    ]
    assert {fault.__name__ for fault in faults if fault.retryable} == {"PeerUnreachable", "StoreUnavailable"}
    # The tree at the top of errors.py is the whole tree.
    assert all(fault.__name__ in str(errors.__doc__) for fault in faults)
