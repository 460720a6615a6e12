"""Readiness gives the first reason why no call should come here."""

from dataclasses import dataclass

import pytest
from aiohttp.test_utils import make_mocked_request
from worker.main_process.health import Readiness, application


@dataclass
class Load:
    capacity: int = 2
    active: int = 0
    draining: bool = False


@pytest.mark.parametrize(
    ("load", "initialized", "registered", "reason"),
    [
        (Load(), False, False, "worker_not_initialized"),
        (Load(), True, False, "livekit_disconnected"),
        (Load(active=2), True, True, "at_capacity"),
        (Load(draining=True), True, True, "draining"),
        (Load(active=1), True, True, ""),
    ],
)
def test_the_reason_names_what_is_missing(load: Load, initialized: bool, registered: bool, reason: str) -> None:
    assert Readiness(load, initialized, registered).reason == reason


def test_a_full_worker_is_not_away() -> None:
    full = Readiness(Load(active=2), initialized=True, registered=True)
    assert (full.reason, full.away) == ("at_capacity", "")


@pytest.mark.parametrize(
    ("load", "ready", "serving"),
    [(Load(), 200, 200), (Load(active=2), 503, 200), (Load(draining=True), 503, 503)],
    ids=["with a free place", "full", "draining"],
)
async def test_a_full_worker_is_not_ready_and_serves_all_the_same(load: Load, ready: int, serving: int) -> None:
    app = application(Readiness(load, initialized=True, registered=True))
    for path, status in (("ready", ready), ("serving", serving)):
        request = make_mocked_request("GET", f"/health/{path}")
        found = await app.router.resolve(request)
        assert (await found.handler(request)).status == status
