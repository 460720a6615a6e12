"""The console's doors: what they open to whom, and that nothing comes out of them for anybody else."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from handoff.memory_store import MemoryStore
from handoff.testing import FakeClock, OutageStore, make_call
from starlette.testclient import TestClient

from gateway.app import application
from gateway.console import WRONG_SECRETS_PER_MINUTE, Console
from gateway.doors import open_door
from gateway.settings import Settings
from gateway.tests.conftest import LOOKS, READS, SITE, Browser
from gateway.tests.record_of_canaries import CALL_ID, CANARY, stored
from gateway.viewers import COOKIE, Viewer
from gateway.watching import Watching

SESSION, EVENTS, CALL = "/api/console/session", "/api/console/events", f"/api/console/calls/{CALL_ID}"
DATA = (SESSION, EVENTS, CALL, "/api/console/calls/none")


# --- switched off, or not signed in --------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/console", *DATA])
def test_a_console_that_nobody_configured_is_not_there_and_says_how_it_would_be(browser: Browser, path: str) -> None:
    answer = browser().get(path)
    assert answer.status_code == 404
    assert "VOICEMESH_CONSOLE_SECRET" in answer.json()["error"]["message"]
    assert browser().post(SESSION, json={"secret": ""}).status_code == 404


@pytest.mark.parametrize("path", DATA)
def test_who_is_not_signed_in_sees_nothing_not_even_whether_a_call_exists(
    viewer: Browser, store: MemoryStore, path: str
) -> None:
    asyncio.run(stored(store))
    answer = viewer().get(path)
    assert answer.status_code == 401
    assert CALL_ID not in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", DATA)
def test_a_callers_pass_is_no_cookie_of_the_console(viewer: Browser, watched: Settings, path: str) -> None:
    page = viewer()
    page.cookies.set(COOKIE, open_door(watched).pass_)
    assert page.get(path).status_code == 401


def test_a_cookie_of_the_console_is_no_callers_pass(viewer: Browser) -> None:
    page = viewer(READS)
    page.cookies.set("voicemesh_call", page.cookies[COOKIE], path="/api/calls")
    answer = page.post("/api/calls/again")
    assert answer.status_code == 204
    assert answer.text == ""


def test_a_cookie_whose_time_is_over_opens_nothing(watched: Settings, store: MemoryStore) -> None:
    page = TestClient(application(replace(watched, console_seconds=-5), store), base_url=SITE)
    answer = page.post(SESSION, json={"secret": LOOKS}, headers={"origin": SITE})
    cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    page.cookies.set(COOKIE, cookie)
    assert page.get(SESSION).status_code == 401


# --- signing in -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("secret", "may_read"), [(LOOKS, False), (READS, True)])
def test_a_secret_signs_in_and_out_again(viewer: Browser, secret: str, may_read: bool) -> None:
    page = viewer(secret)
    assert page.get(SESSION).json()["may_read"] is may_read
    assert page.delete(SESSION).status_code == 204
    assert page.get(SESSION).status_code == 401


def test_the_cookie_is_for_the_consoles_page_alone(viewer: Browser) -> None:
    answer = viewer().post(SESSION, json={"secret": LOOKS}, headers={"x-forwarded-proto": "https"})
    cookie = answer.headers["set-cookie"].lower()
    assert all(
        word in cookie for word in ("httponly", "samesite=strict", "path=/api/console", "secure", "max-age=28800")
    )
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_sites_page_signs_nobody_in_or_out(viewer: Browser, origin: str) -> None:
    page = viewer(origin=origin)
    assert page.post(SESSION, json={"secret": LOOKS}).status_code == 403
    assert page.delete(SESSION).status_code == 403
    assert COOKIE not in page.cookies


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"7", 400),
        (b"{}", 400),
        (b"\xff", 400),
        (b"[" * 4000, 400),
        (b'{"secret": "\\ud800"}', 400),
        (b'{"secret": 7}', 401),
        (b'{"secret": ""}', 401),
        (b'{"secret": null}', 401),
        (b'{"secret": "' + b"x" * 5000 + b'"}', 413),
    ],
)
def test_a_body_that_is_nonsense_signs_nobody_in(viewer: Browser, body: bytes, status: int) -> None:
    page = viewer()
    assert page.post(SESSION, content=body).status_code == status
    assert COOKIE not in page.cookies


def test_of_a_thousand_guesses_from_one_address_ten_are_looked_at_and_nobody_else_notices(viewer: Browser) -> None:
    thief = viewer(address="203.0.113.7")
    codes = [thief.post(SESSION, json={"secret": f"guess-{n}"}).status_code for n in range(1000)]
    assert (codes.count(401), codes.count(429)) == (WRONG_SECRETS_PER_MINUTE, 1000 - WRONG_SECRETS_PER_MINUTE)
    assert thief.post(SESSION, json={"secret": LOOKS}).status_code == 429, "not even the right one"
    assert viewer(address="203.0.113.8").post(SESSION, json={"secret": LOOKS}).status_code == 204


def test_a_whole_shift_signs_in_from_behind_one_address_and_wins_no_guesses_by_it(viewer: Browser) -> None:
    for _ in range(3 * WRONG_SECRETS_PER_MINUTE):
        assert viewer().post(SESSION, json={"secret": LOOKS}).status_code == 204
    codes = []
    for n in range(2 * WRONG_SECRETS_PER_MINUTE):
        codes.append(viewer().post(SESSION, json={"secret": f"guess-{n}"}).status_code)
        viewer().post(SESSION, json={"secret": READS})
    assert (codes.count(401), codes.count(429)) == (WRONG_SECRETS_PER_MINUTE, WRONG_SECRETS_PER_MINUTE)


def test_a_guess_is_not_written_down(viewer: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    viewer().post(SESSION, json={"secret": "almost-the-right-one"})
    viewer(LOOKS)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["a wrong secret was shown to the console", "a viewer signed in to the console"]


def test_who_is_signed_in_at_a_proxy_of_ours_looks_and_does_not_read(settings: Settings, store: MemoryStore) -> None:
    asyncio.run(stored(store))
    behind = replace(settings, console_user_header="X-Forwarded-User", proxies=1)
    page = TestClient(application(behind, store), base_url=SITE)
    assert page.get(CALL).status_code == 401
    answer = page.get(CALL, headers={"x-forwarded-user": "ada@example.com"})
    assert answer.status_code == 200
    assert CANARY not in answer.text


# --- one call -------------------------------------------------------------------------------------------------------------
def test_no_word_of_a_caller_leaves_the_server_for_who_may_not_read(
    viewer: Browser, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.run(stored(store))
    answer = viewer(LOOKS).get(CALL)
    assert answer.status_code == 200
    assert answer.json()["may_read"] is False
    assert CANARY not in answer.text + str(answer.headers) + caplog.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_reader_reads_and_that_he_did_is_noted_without_what_he_read(
    viewer: Browser, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="gateway")
    asyncio.run(stored(store))
    answer = viewer(READS).get(CALL)
    assert f"{CANARY}turn" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "a call's words were read" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize("call_id", ["call-2", "x" * 500, "%2e%2e", "%00", "call-1%20"])
def test_a_call_that_does_not_exist_is_not_found(viewer: Browser, store: MemoryStore, call_id: str) -> None:
    asyncio.run(stored(store))
    answer = viewer(READS).get(f"/api/console/calls/{call_id}")
    assert answer.status_code == 404
    assert CANARY not in answer.text


def test_while_the_store_is_away_a_call_is_not_said_to_be_gone(watched: Settings) -> None:
    store = OutageStore(now=FakeClock())
    page = TestClient(application(watched, store), base_url=SITE, headers={"origin": SITE})
    page.post(SESSION, json={"secret": LOOKS})
    store.is_away = True
    assert page.get(CALL).status_code == 503


# --- the stream -------------------------------------------------------------------------------------------------------------
class Line:
    """A connection to the console's stream, as a server holds it: what came, and how the browser goes."""

    def __init__(self, app: Any, cookie: str) -> None:
        self.messages: list[dict[str, Any]] = []
        self._gone = asyncio.Event()
        self._came = asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": EVENTS,
            "raw_path": EVENTS.encode(),
            "query_string": b"",
            "scheme": "http",
            "headers": [(b"host", b"calls.example.com"), (b"cookie", f"{COOKIE}={cookie}".encode())],
            "client": ("203.0.113.7", 40_000),
        }
        self.served = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self._came.set()

    async def event(self) -> dict[str, Any]:
        """The next snapshot."""
        while not self.messages or not self.messages[-1].get("body"):
            self._came.clear()
            await self._came.wait()
        text = self.messages.pop()["body"].decode()
        assert text.startswith("data: ")
        assert text.endswith("\n\n")
        told: dict[str, Any] = json.loads(text.removeprefix("data: "))
        return told

    async def goes(self) -> None:
        """The browser closes the connection."""
        self._gone.set()
        await self.served


async def test_the_stream_tells_of_the_calls_and_of_no_words_and_ends_with_its_viewer(
    watched: Settings, store: MemoryStore, viewer: Browser
) -> None:
    await stored(store)
    line = Line(application(watched, store), viewer(READS).cookies[COOKIE])
    async with asyncio.timeout(10):
        told = await line.event()
        start = line.messages[0]
        await line.goes()
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "nobody looks at the store any more"
    assert start["status"] == 200
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    assert told["live"] == 1
    assert told["calls"][0]["call_id"] == CALL_ID
    assert CANARY not in json.dumps(told)


async def test_when_the_last_one_has_gone_the_store_is_asked_no_more(watched: Settings, store: MemoryStore) -> None:
    console = Console(watched, store)
    seen = console.seen_by(Viewer("viewer", False, 1e12))
    async with asyncio.timeout(10):
        assert (await anext(seen)).startswith("data: ")
        assert console.watching.is_looking
        await seen.aclose()
    assert not console.watching.is_looking


async def test_a_viewers_stream_ends_when_his_time_does(watched: Settings, store: MemoryStore) -> None:
    console = Console(watched, store)
    async with asyncio.timeout(10):
        assert [text async for text in console.seen_by(Viewer("viewer", False, 0.0))] == []
    assert not console.watching.is_looking


def test_too_many_viewers_are_told_so(viewer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watching, "is_full", True)
    assert viewer(LOOKS).get(EVENTS).status_code == 503


# --- the page ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/console", "/pages/console.js", "/pages/timeline.js", "/pages/console.css"])
def test_the_page_is_our_own_files_with_nothing_written_into_them(viewer: Browser, path: str) -> None:
    answer = viewer().get(path)
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "://" not in answer.text
    assert "style=" not in answer.text
    assert "innerHTML" not in answer.text
    assert "<script>" not in answer.text


def test_the_page_is_not_kept(viewer: Browser) -> None:
    assert viewer().get("/console").headers["cache-control"] == "no-store"


def test_the_calls_of_callers_go_on_beside_a_console(viewer: Browser, store: MemoryStore) -> None:
    page = viewer(LOOKS)
    first = page.post("/api/calls").json()
    asyncio.run(store.open_call(make_call(first["call_id"])))
    assert page.get(f"/api/console/calls/{first['call_id']}").status_code == 200
