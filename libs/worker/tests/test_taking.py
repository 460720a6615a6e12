"""A taker's first word: noted as spoken, or not, and what the taker then does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from handoff.errors import FloorLost, HandoffError, IllegalMove, StoreUnavailable, UnknownHandoff
from handoff.lifecycle import State
from handoff.testing import OutageStore, make_call, make_handoff
from worker.job import taking
from worker.speech import clips
from worker.testing.desk import ME, PaperDesk
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.told import ToldModel


class Told:
    """A desk and a cast on paper, over a store that answers with a fault."""

    def __init__(self, fault: HandoffError | None) -> None:
        self.journal: list[str] = []
        self._fault = fault
        self.store = self.leaving = self.gate = self
        self.call_id = "call-1"

    async def move(self, handoff_id: str, state: object) -> None:
        if self._fault is not None:
            raise self._fault

    def shut(self) -> None:
        self.journal.append("gate shut")

    def leave(self, reason: str) -> None:
        self.journal.append(f"left: {reason}")


async def is_taken(fault: HandoffError | None) -> tuple[bool, list[str]]:
    told: Any = Told(fault)
    return await taking._is_taken(told, SimpleNamespace(gate=told), "h1"), told.journal  # type: ignore[arg-type]


async def test_who_is_heard_has_the_call() -> None:
    assert await is_taken(None) == (True, [])


@pytest.mark.parametrize("fault", [IllegalMove("taken back"), FloorLost("taken back")], ids=lambda e: type(e).__name__)
async def test_who_spoke_too_late_is_silent_at_once_and_leaves(fault: HandoffError) -> None:
    assert await is_taken(fault) == (False, ["gate shut", "left: floor lost"])


@pytest.mark.parametrize(
    "fault", [StoreUnavailable("away"), UnknownHandoff("came back empty")], ids=lambda e: type(e).__name__
)
async def test_who_is_heard_while_the_store_is_away_goes_on(fault: HandoffError) -> None:
    assert await is_taken(fault) == (True, [])


# --- its first word ---------------------------------------------------------------------------------------------------
class DumbGate:
    """Nothing that is said ever plays."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.first_frame = asyncio.Event()
        self.first_frame.set()

    def on(self, event: str, listener: Any) -> None: ...

    def open(self) -> None:
        self.journal.append("open")

    def shut(self) -> None:
        self.journal.append("shut")


async def offered(desk: Any, gate: Any) -> None:
    """Billing offers its call to triage, whose voice does not come through."""
    now = await desk.store.now()
    await desk.store.open_call(desk.first)
    await desk.store.take_floor("call-1", service="billing", agent_id="billing-1", lease_seconds=1)
    await desk.store.offer(make_handoff("h1", now=now))
    await desk.store.move("h1", State.ACCEPTED)
    at_the_desk(desk, gate)


def at_the_desk(desk: Any, gate: Any) -> None:
    """Whoever is seated there has this gate."""
    desk.room.local_participant = SimpleNamespace(register_rpc_method=lambda name, handler: None)
    seat = desk.seat

    async def seat_the_dumb(*given: Any, **named: Any) -> Any:
        cast = await seat(*given, **named)
        cast.gate = gate
        return cast

    async def heard_by_caller(cast: Any) -> None: ...

    desk.seat, desk.heard_by_caller = seat_the_dumb, heard_by_caller


async def passed_to_a_dumb_taker(desk: Any, gate: Any) -> asyncio.Task[None]:
    """The same, and the floor is given to it."""
    await offered(desk, gate)
    taker = asyncio.create_task(taking.take(desk, {"handoff_id": "h1"}))
    await everything_ran()
    await desk.store.pass_floor("h1", epoch=1, lease_seconds=1)
    return taker


@pytest.fixture
def nothing_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def render(voice: object, text: str) -> tuple[object, ...]:
        return ()

    monkeypatch.setattr(clips, "render", render)


@pytest.mark.usefixtures("nothing_is_rendered")
@without_waiting
async def test_a_taker_whose_first_word_never_plays_leaves_the_call_to_the_guardians(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call())
    gate = DumbGate()
    await (await passed_to_a_dumb_taker(desk, gate))
    assert [call.call_id for call in desk.spoken_to] == ["call-1"], "its first sentence, too, has the pace of his line"
    assert (desk.left, gate.journal) == (["never heard"], ["open", "shut"])
    (overdue,) = await desk.store.overdue()
    assert (overdue.call_id, overdue.agent_id) == ("call-1", ME)
    await desk.cast.session.aclose()


@pytest.mark.usefixtures("nothing_is_rendered")
@without_waiting
async def test_of_two_jobs_that_come_for_one_handoff_one_opens_its_mouth_and_the_other_leaves_without_a_sound(
    tmp_path: Path,
) -> None:
    desks, gates = [], [DumbGate(), DumbGate()]
    for number, gate in enumerate(gates):
        home = tmp_path / str(number)
        home.mkdir()
        desk: Any = PaperDesk(home, ToldModel(), make_call())
        desk.me = f"triage-h1-AJ_{number}"
        desks.append(desk)
        if number:
            desk.store, desk.clock = desks[0].store, desks[0].clock
            at_the_desk(desk, gate)
        else:
            await offered(desk, gate)
    takers = [asyncio.create_task(taking.take(desk, {"handoff_id": "h1"})) for desk in desks]
    await everything_ran()
    await desks[0].store.pass_floor("h1", epoch=1, lease_seconds=1)
    await asyncio.gather(*takers)
    assert sorted(gate.journal for gate in gates) == [[], ["open", "shut"]]
    loser = desks[0] if not gates[0].journal else desks[1]
    assert loser.left == ["not wanted"]
    for desk in desks:
        await desk.cast.session.aclose()


@pytest.mark.usefixtures("nothing_is_rendered")
@without_waiting
async def test_between_the_floor_and_the_open_mouth_the_store_is_asked_once(tmp_path: Path) -> None:
    desk: Any = PaperDesk(tmp_path, ToldModel(), make_call())
    desk.store, gate = OutageStore(now=desk.clock), DumbGate()
    gate.journal = desk.store.asked
    taker = await passed_to_a_dumb_taker(desk, gate)
    await taker
    passed, opened = gate.journal.index("pass_floor"), gate.journal.index("open")
    assert gate.journal[passed + 1 : opened] == ["load_floor"]
    await desk.cast.session.aclose()


@pytest.mark.usefixtures("nothing_is_rendered")
@without_waiting
async def test_a_giver_that_lives_has_its_call_back_before_a_dumb_taker_gives_it_up(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path, ToldModel(), make_call())
    taker = await passed_to_a_dumb_taker(desk, DumbGate())
    await asyncio.sleep(desk.settings.spoken_timeout_seconds + 0.1)
    await desk.store.take_back("h1", giver_id="billing-1", epoch=2, lease_seconds=30)
    await taker
    assert desk.left == ["never heard"]
    assert not await desk.store.overdue()
    await desk.cast.session.aclose()


@pytest.mark.parametrize("told", [{"handoff_id": "h1"}, {"handoff_id": "h1", "silent": "1"}], ids=["handoff", "move"])
@pytest.mark.usefixtures("nothing_is_rendered")
@without_waiting
async def test_a_taker_that_waits_is_deaf_and_does_not_think_until_the_floor_is_its_own(
    tmp_path: Path, told: dict[str, str]
) -> None:
    """One that listened would think about what the caller says to another agent, and say something stale."""
    desk: Any = PaperDesk(tmp_path, ToldModel("Here I am."), make_call())
    gate = DumbGate()
    await offered(desk, gate)
    taker = asyncio.create_task(taking.take(desk, told))
    await everything_ran()
    stored, ears = await desk.store.load_handoff("h1"), desk.cast.session.input
    assert stored.state is State.READY
    assert (ears.audio_enabled, desk.brain.asked, gate.journal) == (False, [], [])
    await desk.store.pass_floor("h1", epoch=1, lease_seconds=1)
    await taker
    await everything_ran()
    assert (ears.audio_enabled, gate.journal[0]) == (True, "open")
    desk.cast.checkpoint.let_go()
    await desk.cast.session.aclose()


@pytest.mark.usefixtures("nothing_is_rendered")
@without_waiting
async def test_a_taker_that_is_ready_when_it_is_no_longer_wanted_leaves_without_a_word(tmp_path: Path) -> None:
    desk, gate = PaperDesk(tmp_path, ToldModel(), make_call()), DumbGate()
    await offered(desk, gate)
    seat: Any = desk.seat

    async def seat_late(*given: Any, **named: Any) -> Any:
        await desk.store.move("h1", State.WITHDRAWN, reason="not_ready")
        return await seat(*given, **named)

    desk.seat = seat_late  # type: ignore[method-assign]
    await taking.take(desk, {"handoff_id": "h1"})
    assert (desk.left, gate.journal) == (["not wanted"], [])
    await desk.cast.session.aclose()
