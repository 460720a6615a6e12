"""A call by telephone gets its room from a rule that the gateway makes; workers must know it for a call."""

from __future__ import annotations

from worker.recovery.rooms import CALL_ROOMS

from gateway.phone.desired import ROOM_PREFIX


def test_the_rooms_of_phone_calls_begin_as_those_of_all_calls_do() -> None:
    assert ROOM_PREFIX.startswith(CALL_ROOMS)
