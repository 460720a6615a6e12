"""The evals of this repository: all can be read, and together they cover what a department has to be able to do."""

from itertools import permutations

from handoff.directory import DIRECTORY

from local.eval.find import find, owner

ALL = find()


def test_there_are_enough_of_them_and_enough_are_spoken():
    assert len(ALL) >= 100
    assert sum(conversation.is_spoken for conversation in ALL) >= 12


def test_every_service_has_its_own():
    for service in DIRECTORY:
        assert sum(owner(conversation) == service for conversation in ALL) >= 15, service


def test_every_pair_of_services_is_crossed():
    crossed = {
        (giver, taker)
        for conversation in ALL
        for giver, taker in zip(
            conversation.expect.services or (), (conversation.expect.services or ())[1:], strict=False
        )
    }
    assert set(permutations(DIRECTORY, 2)) - crossed == set()


def test_every_service_is_rung_up_directly():
    assert {conversation.starts_at for conversation in ALL} == set(DIRECTORY)
