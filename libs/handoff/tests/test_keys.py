"""How keys are spelled: as ever on one Redis, in one slot of a Cluster."""

from __future__ import annotations

import inspect

from handoff.keys import ONE_SLOT, PLAIN, Keys
from redis.crc import key_slot


def all_of(keys: Keys) -> set[str]:
    """One of each kind."""
    found = set()
    for name, member in vars(Keys).items():
        if isinstance(member, property):
            found.add(getattr(keys, name))
        elif inspect.isfunction(member) and not name.startswith("_"):
            found.add(member(keys, *(f"{name}-{n}" for n in range(len(inspect.signature(member).parameters) - 1))))
    return found


def test_keys_of_different_things_are_different() -> None:
    assert len(all_of(PLAIN)) == len(all_of(ONE_SLOT)) > 15
    assert len({PLAIN.call("1"), PLAIN.handoff("1"), PLAIN.moved("1"), PLAIN.ledger}) == 4


def test_all_keys_of_the_mesh_lie_in_one_slot_of_a_cluster() -> None:
    assert len({key_slot(key.encode()) for key in all_of(ONE_SLOT)}) == 1
    assert key_slot(ONE_SLOT.call("{another}").encode()) == key_slot(ONE_SLOT.live.encode())


def test_one_redis_has_the_names_that_every_release_before_this_one_wrote() -> None:
    assert PLAIN.call("call-1") == "voicemesh:call:call-1"
    assert {key.replace("{voicemesh}", "voicemesh") for key in all_of(ONE_SLOT)} == all_of(PLAIN)
