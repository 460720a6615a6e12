"""A page that is closed is missed after some seconds; one that is loaded again is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from handoff.memory_store import MemoryStore
from livekit import api
from starlette.testclient import TestClient

from gateway.app import application
from gateway.closed_pages import BACK_SECONDS, ClosedPages
from gateway.settings import Settings
from gateway.tests.conftest import SITE

CLOSED = "/api/calls/left"


@dataclass
class PaperRooms:
    """LiveKit's rooms: who stays where, and who was put out."""

    stays: dict[str, str] = field(default_factory=dict)
    put_out_of: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0
    is_away: bool = False

    async def stay(self, room: str, identity: str) -> str:
        self.asked += 1
        if self.is_away:
            raise api.TwirpError("unavailable", "LiveKit is away", status=503)
        return self.stays.get(identity, "")

    async def put_out(self, room: str, identity: str) -> None:
        self.put_out_of.append((room, identity))


class Pause:
    """Ends when a test says so."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await self.over.wait()


async def turns(count: int = 8) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_does_not_come_back_is_put_out() -> None:
    rooms, pause = PaperRooms({"caller-1": "PA_1"}), Pause()
    pages = ClosedPages(rooms, pause=pause)  # type: ignore[arg-type]
    pages.closed("call-1", "caller-1")
    await turns()
    assert (pause.seconds, rooms.put_out_of) == ([BACK_SECONDS], [])
    pause.over.set()
    await turns()
    assert rooms.put_out_of == [("call-1", "caller-1")]


@pytest.mark.parametrize("later", ["PA_2", ""], ids=["he is back", "he has left by himself"])
async def test_whose_stay_is_another_one_or_over_is_left_alone(later: str) -> None:
    rooms, pause = PaperRooms({"caller-1": "PA_1"}), Pause()
    ClosedPages(rooms, pause=pause).closed("call-1", "caller-1")  # type: ignore[arg-type]
    await turns()
    rooms.stays["caller-1"] = later
    pause.over.set()
    await turns()
    assert rooms.put_out_of == []


async def test_one_page_is_waited_for_once_however_often_it_says_so() -> None:
    rooms, pause = PaperRooms({"caller-1": "PA_1", "caller-2": "PA_2"}), Pause()
    pages = ClosedPages(rooms, pause=pause)  # type: ignore[arg-type]
    for _ in range(100):
        pages.closed("call-1", "caller-1")
    pages.closed("call-2", "caller-2")
    await turns()
    assert rooms.asked == 2
    pause.over.set()
    await turns()
    pages.closed("call-1", "caller-1")
    await turns()
    assert rooms.asked == 6, "a page that comes again may be closed again"


async def test_where_livekit_does_not_answer_nobody_is_put_out() -> None:
    rooms = PaperRooms({"caller-1": "PA_1"}, is_away=True)
    ClosedPages(rooms, pause=Pause()).closed("call-1", "caller-1")  # type: ignore[arg-type]
    await turns()
    assert rooms.put_out_of == []


def test_only_our_own_page_with_a_call_of_its_own_can_say_so(settings: Settings, store: MemoryStore) -> None:
    rooms = PaperRooms()
    with TestClient(application(settings, store, rooms), base_url=SITE, headers={"origin": SITE}) as page:  # type: ignore[arg-type]
        assert page.post(CLOSED).status_code == 204
        page.cookies.set("voicemesh_call", "forged", domain="calls.example.com", path="/api/calls")
        assert page.post(CLOSED).status_code == 204
        assert rooms.asked == 0
        page.cookies.clear()
        page.post("/api/calls")
        assert page.post(CLOSED, headers={"origin": "https://evil.example"}).status_code == 403
        assert rooms.asked == 0
        assert page.post(CLOSED).status_code == 204
        assert rooms.asked == 1


def test_who_hangs_up_while_his_line_is_lost_is_missed_as_one_who_closed_his_page(
    settings: Settings, store: MemoryStore
) -> None:
    rooms = PaperRooms()
    with TestClient(application(settings, store, rooms), base_url=SITE, headers={"origin": SITE}) as page:  # type: ignore[arg-type]
        assert page.post("/api/calls/over").status_code == 204
        page.cookies.set("voicemesh_call", "forged", domain="calls.example.com", path="/api/calls")
        assert page.post("/api/calls/over").status_code == 204
        assert rooms.asked == 0
        page.cookies.clear()
        page.post("/api/calls")
        assert page.post("/api/calls/over").status_code == 204
        assert rooms.asked == 1
        assert page.post("/api/calls/over").status_code == 204
        assert rooms.asked == 1, "his browser is not recognised any more"
