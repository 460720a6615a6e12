"""What a browser gets, and what it does not get."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import replace

import pytest
from handoff.call import Ending
from handoff.memory_store import MemoryStore
from handoff.testing import OutageStore, make_call
from starlette.requests import Request
from starlette.testclient import TestClient

from gateway.app import COOKIE, application
from gateway.forwarded import address_of
from gateway.settings import Settings
from gateway.tests.conftest import SITE, Browser

CALLS, AGAIN, OVER = "/api/calls", "/api/calls/again", "/api/calls/over"


# --- a call ------------------------------------------------------------------------------------------------------------
def test_one_button_is_one_request(browser: Browser) -> None:
    answer = browser().post(CALLS)
    assert answer.status_code == 201
    assert set(answer.json()) == {"call_id", "url", "token", "service"}
    assert answer.json()["service"] == "triage"
    assert answer.headers["cache-control"] == "no-store"


def test_a_specialist_has_a_direct_line(browser: Browser) -> None:
    assert browser().post(CALLS, json={"service": "billing"}).json()["service"] == "billing"


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"x"', b'{"service": 7}', b'{"service": "x"}', b"\xff", b"[" * 4000, b'{"service": "\\ud800"}'],
)
def test_a_body_that_is_nonsense_is_refused_with_what_would_be_right(browser: Browser, body: bytes) -> None:
    answer = browser().post(CALLS, content=body)
    assert answer.status_code == 400
    assert "billing" in answer.json()["error"]["message"]


def test_a_body_that_is_too_large_is_refused(browser: Browser) -> None:
    answer = browser().post(CALLS, content=b"x" * 5000)
    assert answer.status_code == 413


# --- who may ask -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "origin",
    [None, "https://evil.example", "null", "", "http://[", "//", SITE.replace("http", "ftp") + ".evil.example"],
)
def test_no_page_but_ours_gets_a_token(browser: Browser, origin: str | None) -> None:
    answer = browser(origin).post(CALLS)
    assert answer.status_code == 403
    assert "token" not in answer.text
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_a_site_that_is_named_may_ask_and_read_the_answer_and_no_other(
    settings: Settings, store: MemoryStore
) -> None:
    site, header = "https://www.example.com", "access-control-allow-origin"
    app = application(replace(settings, origins=(site,)), store)
    page = TestClient(app, base_url=SITE, headers={"origin": site})
    asked_first = page.options(CALLS, headers={"access-control-request-method": "POST"})
    assert (asked_first.status_code, asked_first.headers["access-control-allow-headers"]) == (204, "content-type")
    answers = [asked_first, page.post(CALLS), page.post(CALLS, content=b"{")]
    assert [answer.status_code for answer in answers] == [204, 201, 400]
    assert [answer.headers[header] for answer in answers] == [site] * 3
    assert header not in page.post(AGAIN).headers, "another site's page finds no call again"
    stranger = TestClient(app, base_url=SITE, headers={"origin": "https://evil.example"})
    for answer in (stranger.options(CALLS), stranger.post(CALLS)):
        assert answer.status_code == 403
        assert header not in answer.headers


def test_a_sites_own_server_gets_one_with_the_secret(browser: Browser, settings: Settings) -> None:
    server = browser(None)
    assert server.post(CALLS, headers={"authorization": f"Bearer {settings.embed_secret}"}).status_code == 201
    assert server.post(CALLS, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert server.post(CALLS, headers={"authorization": "Bearer "}).status_code == 403


def test_of_a_thousand_requests_from_one_address_ten_get_a_token_and_nobody_else_notices(browser: Browser) -> None:
    flood, neighbour = browser(address="203.0.113.7"), browser(address="203.0.113.8")
    codes = [flood.post(CALLS).status_code for _ in range(1000)]
    assert (codes.count(201), codes.count(429)) == (10, 990)
    assert flood.post(CALLS).headers["retry-after"] == "60"
    assert neighbour.post(CALLS).status_code == 201


def test_who_is_refused_is_told_of_without_his_address(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="gateway"):
        browser("https://evil.example", address="203.0.113.7").post(CALLS)
        browser(address="203.0.113.7").post(CALLS, content=b"x" * 5000)
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("a page was refused: its origin is not Host")
    assert told[1:] == ["a call was refused: 403", "a call was refused: 413"]
    assert not any(private in str(vars(record)) for record in caplog.records for private in ("203.0.113", "evil"))


def test_an_address_cannot_be_made_up_when_no_proxy_of_ours_stands_in_front(browser: Browser) -> None:
    flood = browser()
    codes = [flood.post(CALLS, headers={"x-forwarded-for": f"198.51.100.{n}"}).status_code for n in range(20)]
    assert codes.count(201) == 10


def test_an_ipv6_subscriber_is_one_however_many_addresses_his_network_has(browser: Browser) -> None:
    codes = [browser(address=f"2001:db8:1:2::{n:x}").post(CALLS).status_code for n in range(1, 21)]
    assert codes.count(201) == 10
    assert browser(address="2001:db8:1:3::1").post(CALLS).status_code == 201
    assert browser(address="::ffff:203.0.113.9").post(CALLS).status_code == 201
    assert browser(address="::ffff:203.0.113.10").post(CALLS).status_code == 201


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ([], "203.0.113.7"),
        (["198.51.100.1"], "198.51.100.1"),
        (["10.0.0.1, 198.51.100.1"], "198.51.100.1"),
        (["10.0.0.1", "198.51.100.1"], "198.51.100.1"),
        (["10.0.0.1,", " 198.51.100.1 "], "198.51.100.1"),
    ],
)
def test_of_all_addresses_that_are_named_the_one_that_our_proxy_added_counts(headers: list[str], seen: str) -> None:
    lines = [(b"x-forwarded-for", line.encode()) for line in headers]
    request = Request({"type": "http", "headers": lines, "client": ("203.0.113.7", 40_000)})
    assert address_of(request, proxies=1) == seen


# --- a page that is loaded again ----------------------------------------------------------------------------------------
def test_a_page_that_is_loaded_again_finds_its_call_as_long_as_it_goes_on(browser: Browser, store: MemoryStore) -> None:
    page = browser()
    first = page.post(CALLS).json()
    call = make_call(call_id=first["call_id"])
    asyncio.run(store.open_call(call))
    again = page.post(AGAIN)
    assert again.status_code == 200
    assert again.json()["call_id"] == first["call_id"]
    assert again.json()["service"] == "triage", "nobody has the floor yet"
    asyncio.run(store.take_floor(call.call_id, service="triage", agent_id="triage-1", lease_seconds=10))
    asyncio.run(store.end_call(call.call_id, epoch=1, ending=Ending.RESOLVED))
    assert page.post(AGAIN).status_code == 204
    assert COOKIE not in page.cookies


@pytest.mark.parametrize("owner", ["billing", "human"])
def test_a_page_that_is_loaded_again_is_told_who_has_the_call_now(
    browser: Browser, store: MemoryStore, owner: str
) -> None:
    page = browser()
    call = make_call(call_id=page.post(CALLS).json()["call_id"])
    asyncio.run(store.open_call(call))
    asyncio.run(store.take_floor(call.call_id, service=owner, agent_id=f"{owner}-1", lease_seconds=10))
    for _ in range(2):  # the pass that the first answer gave is as good
        assert page.post(AGAIN).json()["service"] == owner


def test_a_page_that_is_loaded_again_before_anybody_has_answered_finds_its_place(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, began = browser(), time.time()
    first = page.post(CALLS, json={"service": "billing"}).json()
    for later in (1, 119):
        monkeypatch.setattr("gateway.doors.time.time", lambda later=later: began + later)
        again = page.post(AGAIN)
        assert again.status_code == 200
        assert (again.json()["call_id"], again.json()["service"]) == (first["call_id"], "billing")
    monkeypatch.setattr("gateway.doors.time.time", lambda: began + 121)
    assert page.post(AGAIN).status_code == 204, "nobody has ever answered it"
    assert COOKIE not in page.cookies


def test_a_page_without_a_call_or_with_one_that_was_hung_up_finds_none(browser: Browser) -> None:
    page = browser()
    assert page.post(AGAIN).status_code == 204
    page.post(CALLS)
    page.post(OVER)
    assert COOKIE not in page.cookies
    assert page.post(AGAIN).status_code == 204
    assert page.post(OVER).status_code == 204, "which may be said twice"


def test_where_the_store_is_away_nobodys_call_is_forgotten(settings: Settings) -> None:
    store = OutageStore()
    page = TestClient(application(settings, store), base_url=SITE, headers={"origin": SITE})
    page.post(CALLS)
    store.is_away = True
    assert (page.post(AGAIN).status_code, COOKIE in page.cookies) == (503, True)


def test_another_sites_page_is_not_told_of_the_call(browser: Browser) -> None:
    page = browser()
    page.post(CALLS)
    assert page.post(AGAIN, headers={"origin": "https://evil.example"}).status_code == 403
    assert page.post(OVER, headers={"origin": "https://evil.example"}).status_code == 403
    assert COOKIE in page.cookies


def test_the_cookie_is_for_our_page_alone(browser: Browser) -> None:
    cookie = browser().post(CALLS).headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/api/calls"))
    for told, is_secure in (("https", True), ("https, http", True), ("http, https", False)):
        cookie = browser().post(CALLS, headers={"x-forwarded-proto": told}).headers["set-cookie"].lower()
        assert ("secure" in cookie) is is_secure


# --- the page ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/", "/pages/call.js", "/pages/call.css", "/widget.js", "/vendor/livekit-client.js"])
def test_every_file_comes_from_here_with_the_headers_that_keep_others_out(browser: Browser, path: str) -> None:
    answer = browser().get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "ws://livekit:7880" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_files_that_belong_together_are_asked_for_again_together(browser: Browser) -> None:
    first = browser().get("/pages/call.js")
    assert first.headers["cache-control"] == "no-cache"
    again = browser().get("/pages/call.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_no_file_of_ours_names_another_host(browser: Browser) -> None:
    scripts = ("call", "call_gateway", "call_line", "call_view", "captions", "troubles")
    for path in ("/", "/pages/call.css", *(f"/pages/{script}.js" for script in scripts)):
        answer = browser().get(path)
        assert answer.status_code == 200
        # Words may say where a microphone is to be had.
        assert set(re.findall(r"://([\w.-]+)", answer.text)) <= {"localhost"}


def test_what_lies_outside_the_pages_is_not_served(browser: Browser) -> None:
    for path in ("/pages/../app.py", "/pages/%2e%2e/app.py", "/pages/..%2fapp.py"):
        assert browser().get(path).status_code == 404


def test_a_gateway_without_livekits_client_says_so(settings: Settings, browser: Browser) -> None:
    assert browser().get("/health/ready").json() == {"status": "ready", "reason": ""}
    settings.client_path.unlink()
    assert browser().get("/health/ready").status_code == 503
    assert "make web" in browser().get("/vendor/livekit-client.js").json()["error"]["message"]
