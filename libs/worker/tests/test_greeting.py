"""A caller is greeted once; one who is back in a call that was cut off finds it where it was, or with whoever has it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from handoff.call import Channel, Ending, Role
from handoff.testing import make_call, make_turn
from worker.job import greeting
from worker.speech import clips
from worker.testing.desk import APOLOGY, GREETING, ME, PaperDesk
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.told import ToldModel

ASKED = make_turn("Is it about an invoice?", role=Role.AGENT)


@pytest.fixture(autouse=True)
def nothing_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def render(voice: object, text: str) -> tuple[object, ...]:
        return ()

    monkeypatch.setattr(clips, "render", render)


async def greet(desk: Any) -> None:
    await greeting.greet(desk)
    await everything_ran()


async def over(desk: PaperDesk) -> None:
    desk.cast.checkpoint.let_go()
    await desk.cast.session.aclose()


@without_waiting
async def test_a_new_caller_is_greeted_by_who_holds_the_floor(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(), facts=()))
    await greet(desk)
    assert desk.heard == [GREETING]
    floor = await desk.store.load_floor("call-1")
    assert floor is not None
    assert (floor.agent_id, floor.epoch) == (ME, 1)
    await over(desk)


@pytest.mark.parametrize(("attributes", "channel"), [({}, Channel.WEB), ({"sip.callID": "SCL_1"}, Channel.PHONE)])
@without_waiting
async def test_the_record_tells_how_the_caller_came_and_not_his_number(
    tmp_path: Path, attributes: dict[str, str], channel: Channel
) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(), facts=()))
    desk.attributes = attributes | {"sip.phoneNumber": "+15550100001"} if attributes else {}
    await greet(desk)
    assert desk.cast.checkpoint.call.channel is channel
    assert "5550100" not in repr(await desk.store.load_call("call-1"))
    await over(desk)


@without_waiting
async def test_a_caller_who_is_back_is_not_greeted_anew(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(ASKED,)))
    await desk.store.open_call(desk.first)
    await desk.store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=1)
    desk.clock.advance(2)
    await greet(desk)
    assert desk.heard == [APOLOGY, "Is it about an invoice?"]
    await over(desk)


@without_waiting
async def test_a_call_that_a_successor_is_on_its_way_to_is_left_to_it(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(ASKED,)))
    await desk.seized()
    await greet(desk)
    assert (desk.heard, desk.left) == ([], ["another agent has the call"])


@without_waiting
async def test_a_call_that_another_service_has_is_left_to_it(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(ASKED,), services=("triage", "billing")))
    await desk.store.open_call(desk.first)
    await greet(desk)
    assert (desk.heard, desk.left) == ([], ["another service has the call"])


@without_waiting
async def test_a_caller_who_is_back_too_late_is_not_left_in_silence(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(ASKED,)))
    await desk.store.open_call(desk.first)
    await desk.store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=1)
    await desk.store.end_call("call-1", epoch=1, ending=Ending.CALLER_HUNG_UP)
    await greet(desk)
    assert (desk.heard, desk.left) == ([], ["hung up"])


class DumbGate:
    """Nothing that is said ever plays."""

    def __init__(self) -> None:
        self.is_shut = False

    def on(self, event: str, listener: Any) -> None: ...

    def shut(self) -> None:
        self.is_shut = True


def dumb(desk: Any, *, interrupted: bool = False) -> DumbGate:
    """From now on the desk seats an agent whose voice does not come through."""
    seat, gate = desk.seat, DumbGate()

    async def seat_the_dumb(*given: Any, **named: Any) -> Any:
        cast = await seat(*given, **named)
        cast.gate = gate
        if interrupted:
            cast.session.say = lambda text, **_: SimpleNamespace(interrupted=True)
        return cast

    desk.seat = seat_the_dumb
    return gate


@without_waiting
async def test_a_greeting_that_never_plays_leaves_the_call_to_the_guardians(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(), facts=()))
    gate = dumb(desk)
    await greet(desk)
    assert desk.left == ["never heard"]
    assert gate.is_shut, "a late first frame would be heard over the successor"
    assert [overdue.call_id for overdue in await desk.store.overdue()] == ["call-1"]
    await over(desk)


@without_waiting
async def test_a_greeting_that_the_caller_cut_short_is_no_silence(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call(turns=(), facts=()))
    dumb(desk, interrupted=True)
    await greet(desk)
    assert desk.left == []
    assert desk.cast.checkpoint.floor is not None
    await over(desk)
