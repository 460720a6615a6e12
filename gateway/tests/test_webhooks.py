"""LiveKit's door: what it tells is noted once; whoever is not LiveKit is sent away, and nothing that he sent is written down."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from handoff.memory_store import MemoryStore
from handoff.store import RoomList
from handoff.testing import FakeClock, OutageStore
from livekit.api import AccessToken
from starlette.testclient import TestClient

from gateway import guards
from gateway.app import application
from gateway.doors import open_door
from gateway.settings import Settings
from gateway.tests.conftest import Browser
from gateway.viewers import Viewers
from gateway.webhooks import LONELY_AFTER_SECONDS, OVER_AFTER_SECONDS

DOOR = "/webhooks/livekit"
OVER: dict[str, Any] = {"event": "room_finished", "id": "EV_1", "room": {"name": "call-1"}}
JOINED: dict[str, Any] = {
    "event": "participant_joined",
    "id": "EV_2",
    "room": {"name": "call-1"},
    "participant": {"identity": "zqcanary", "name": "zqcanary", "kind": "STANDARD"},
}


def signed(settings: Settings, body: bytes, *, of: bytes | None = None, seconds: float = 300.0) -> str:
    """The token that LiveKit sends with a body (or with another one, ``of``)."""
    digest = base64.b64encode(hashlib.sha256(body if of is None else of).digest()).decode()
    token = AccessToken(settings.livekit_api_key, settings.livekit_api_secret).with_sha256(digest)
    return token.with_ttl(timedelta(seconds=seconds)).to_jwt()


def tell(page: TestClient, settings: Settings, event: dict[str, Any], **token: Any) -> int:
    """As LiveKit tells; the status."""
    body = json.dumps(event).encode()
    headers = {"authorization": signed(settings, body, **token), "content-type": "application/webhook+json"}
    return page.post(DOOR, content=body, headers=headers).status_code


async def due(store: MemoryStore, list_: RoomList, *, after_seconds: float) -> tuple[str, ...]:
    """What is to be looked at so much later."""
    clock = store._now
    assert isinstance(clock, FakeClock)
    clock.advance(after_seconds)
    return await store.rooms_due(list_, again_seconds=60.0)


# --- what is noted -----------------------------------------------------------------------------------------------------
async def test_a_room_that_is_closed_is_looked_at_when_its_agents_and_guardians_have_had_their_time(
    browser: Browser, settings: Settings, store: MemoryStore
) -> None:
    assert tell(browser(None), settings, OVER) == 200
    assert await due(store, RoomList.OVER, after_seconds=OVER_AFTER_SECONDS - 0.1) == ()
    assert await due(store, RoomList.OVER, after_seconds=0.1) == ("call-1",)


@pytest.mark.parametrize("kind", ["STANDARD", "SIP"])
async def test_a_room_into_which_a_caller_came_is_looked_at_soon(
    browser: Browser, settings: Settings, store: MemoryStore, kind: str
) -> None:
    event = JOINED | {"participant": {"identity": "caller-1", "kind": kind}}
    assert tell(browser(None), settings, event) == 200
    assert await due(store, RoomList.LONELY, after_seconds=LONELY_AFTER_SECONDS - 0.1) == ()
    assert await due(store, RoomList.LONELY, after_seconds=0.1) == ("call-1",)


async def test_what_livekit_delivers_again_does_nothing_again(
    browser: Browser, settings: Settings, store: MemoryStore
) -> None:
    assert tell(browser(None), settings, OVER) == 200
    assert await due(store, RoomList.OVER, after_seconds=OVER_AFTER_SECONDS) == ("call-1",)
    await store.forget_room("call-1", RoomList.OVER)
    assert tell(browser(None), settings, OVER) == 200
    assert await due(store, RoomList.OVER, after_seconds=OVER_AFTER_SECONDS) == ()


async def test_while_the_store_is_away_livekit_is_asked_to_tell_it_again(settings: Settings) -> None:
    store = OutageStore(now=FakeClock())
    livekit = TestClient(application(settings, store))
    store.is_away = True
    assert tell(livekit, settings, OVER) == 503
    store.is_away = False
    assert tell(livekit, settings, OVER) == 200
    assert await due(store, RoomList.OVER, after_seconds=OVER_AFTER_SECONDS) == ("call-1",)


@pytest.mark.parametrize(
    "event",
    [
        JOINED | {"participant": {"identity": "triage-1", "kind": "AGENT"}},
        JOINED | {"participant": {"identity": "recorder", "kind": "EGRESS"}},
        JOINED | {"event": "participant_left"},
        OVER | {"event": "track_published"},
        OVER | {"event": "a_word_of_a_later_release", "news": {"of": "it"}},
        OVER | {"room": {"name": "lobby"}},
        OVER | {"room": {"name": "call-" + "1" * 300}},
        OVER | {"id": ""},
        OVER | {"id": "E" * 300},
        {"event": "room_finished", "id": "EV_1"},
        {},
    ],
    ids=["agent", "recorder", "left", "track", "unknown", "not ours", "long", "no id", "long id", "no room", "nothing"],
)
async def test_what_does_not_concern_us_is_taken_and_ignored(
    browser: Browser, settings: Settings, store: MemoryStore, event: dict[str, Any]
) -> None:
    assert tell(browser(None), settings, event) == 200
    for list_ in RoomList:
        assert await due(store, list_, after_seconds=60.0) == ()


# --- who is not LiveKit ------------------------------------------------------------------------------------------------
def tokens_of_others(settings: Settings, body: bytes) -> dict[str, str]:
    stranger = AccessToken("key", "another-another-another-another-another-another")
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    viewer = Viewers(settings).sign_in(settings.console_secret)
    assert viewer is not None
    return {
        "none": "",
        "nonsense": "a.b.c",
        "forged": stranger.with_sha256(digest).to_jwt(),
        "another key's": AccessToken("key2", settings.livekit_api_secret).with_sha256(digest).to_jwt(),
        "another body's": signed(settings, body, of=b"{}"),
        "expired": signed(settings, body, seconds=-120.0),
        "no hash": AccessToken(settings.livekit_api_key, settings.livekit_api_secret).to_jwt(),
        "a hash that is none": AccessToken(settings.livekit_api_key, settings.livekit_api_secret)
        .with_sha256("%%%")
        .to_jwt(),
        "a caller's": open_door(settings).token,
        "a caller's pass": open_door(settings).pass_,
        "a viewer's cookie": Viewers(settings).cookie_of(viewer),
    }


@pytest.mark.parametrize(
    "whose",
    [
        "none",
        "nonsense",
        "forged",
        "another key's",
        "another body's",
        "expired",
        "no hash",
        "a hash that is none",
        "a caller's",
        "a caller's pass",
        "a viewer's cookie",
    ],
)
async def test_who_is_not_livekit_is_not_believed(
    viewer: Browser, watched: Settings, store: MemoryStore, caplog: pytest.LogCaptureFixture, whose: str
) -> None:
    caplog.set_level(logging.DEBUG)
    body = json.dumps(JOINED).encode()
    token = tokens_of_others(watched, body)[whose]
    answer = viewer().post(DOOR, content=body, headers={"authorization": token})
    assert answer.status_code == 401
    assert "zqcanary" not in answer.text + caplog.text
    assert not token or token not in answer.text + caplog.text
    assert await due(store, RoomList.LONELY, after_seconds=60.0) == ()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"7", b"\xff\xfe", b'{"event": {}}', b'{"room": 7}', b'{"participant": {"joinedAt": "soon"}}'],
)
def test_a_body_that_is_no_event_is_refused_also_when_it_is_signed(
    browser: Browser, settings: Settings, body: bytes
) -> None:
    answer = browser(None).post(DOOR, content=body, headers={"authorization": signed(settings, body)})
    assert answer.status_code == 400


def test_a_body_that_is_nested_without_end_is_refused(browser: Browser, settings: Settings) -> None:
    body = b'{"room":' * 20_000
    answer = browser(None).post(DOOR, content=body, headers={"authorization": signed(settings, body)})
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused_before_anything_is_made_of_it(
    browser: Browser, settings: Settings
) -> None:
    body = b" " * (guards.WEBHOOK_BYTES_MAX + 1)
    answer = browser(None).post(DOOR, content=body, headers={"authorization": signed(settings, body)})
    assert answer.status_code == 413


def test_the_door_is_for_telling_alone(browser: Browser) -> None:
    assert browser(None).get(DOOR).status_code == 405


async def test_what_is_logged_of_an_event_names_the_call_and_nobody(
    browser: Browser, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert tell(browser(None), settings, JOINED) == 200
    told = [vars(record) for record in caplog.records if record.name == "gateway.webhooks"]
    assert [each["call_id"] for each in told] == ["call-1"]
    assert "zqcanary" not in str(told)
