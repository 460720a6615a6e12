"""What browsers are told to obey: with which answers, and which hosts a page may reach."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handoff.call import Call
from handoff.memory_store import MemoryStore
from starlette.testclient import TestClient

from gateway.app import application
from gateway.settings import Settings
from gateway.tests.conftest import SITE, Browser

HTTPS_ALONE = "strict-transport-security"


# --- which hosts ---------------------------------------------------------------------------------------------------------
def reached(settings: Settings, livekit: str) -> list[str]:
    page = TestClient(application(replace(settings, public_livekit_url=livekit), MemoryStore()), base_url=SITE)
    policy = page.get("/").headers["content-security-policy"]
    (found,) = (line for line in policy.split("; ") if line.startswith("connect-src"))
    return found.split()[1:]


def test_livekits_cloud_may_send_its_client_to_a_region_of_its_own(settings: Settings) -> None:
    project = ["wss://project-1.livekit.cloud", "https://project-1.livekit.cloud"]
    regions = ["wss://*.livekit.cloud", "https://*.livekit.cloud"]
    assert reached(settings, project[0]) == ["'self'", *project, *regions]


@pytest.mark.parametrize(
    "host",
    [
        "livekit.example.com",
        "livekit.cloud.evil.example",
        "notlivekit.cloud",
        "livekit.cloud",
        "a.livekit.cloud@evil.example",
    ],
)
def test_any_other_livekit_is_reached_by_its_own_name_alone(settings: Settings, host: str) -> None:
    assert reached(settings, f"wss://{host}") == ["'self'", f"wss://{host}", f"https://{host}"]


# --- by https alone --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("proxies", "site", "told", "is_said"),
    [
        (0, "http://calls.example.com", None, False),
        (0, "https://calls.example.com", None, True),
        (0, "http://calls.example.com", "https", False),
        (1, "http://calls.example.com", None, False),
        (1, "http://calls.example.com", "https", True),
        (1, "http://calls.example.com", "http, https", True),
        (1, "http://calls.example.com", "https, http", False),
        (2, "http://calls.example.com", "https, http", True),
        (1, "https://calls.example.com", "http", False),
    ],
)
def test_a_browser_that_came_by_https_comes_by_nothing_else_for_a_year(
    settings: Settings, proxies: int, site: str, told: str | None, is_said: bool
) -> None:
    page = TestClient(application(replace(settings, proxies=proxies), MemoryStore()), base_url=site)
    headers = {"x-forwarded-proto": told} if told else {}
    for path in ("/", "/pages/call.js", "/nothing"):
        found = page.get(path, headers=headers).headers.get(HTTPS_ALONE)
        assert found == ("max-age=31536000" if is_said else None)


# --- every answer ----------------------------------------------------------------------------------------------------------
class Broken(MemoryStore):
    """Fails as nobody thought it would."""

    async def load_call(self, call_id: str) -> Call | None:
        """See Store."""
        raise RuntimeError("nobody thought of this")


def test_an_error_of_ours_is_answered_with_the_same_headers_as_all_else(settings: Settings, browser: Browser) -> None:
    app = application(settings, Broken())
    page = TestClient(app, base_url="https://calls.example.com", raise_server_exceptions=False)
    page.headers["origin"] = "https://calls.example.com"
    page.post("/api/calls")
    answer = page.post("/api/calls/again")
    assert answer.status_code == 500
    assert "thought" not in answer.text
    usual = browser().get("/")
    names = [name for name in usual.headers if "policy" in name or name.startswith("x-")]
    assert len(names) == 6
    assert [answer.headers[name] for name in names] == [usual.headers[name] for name in names]
    assert answer.headers[HTTPS_ALONE] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/nothing", "/api/calls", "/pages/nothing.js", "/health/live"])
def test_refusals_and_what_is_not_there_have_them_too(browser: Browser, path: str) -> None:
    assert "default-src 'none'" in browser().get(path).headers["content-security-policy"]
