"""The call page as people use it: real Chromium, the real gateway, real LiveKit, real audio both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from handoff.call import Ending
from handoff.redis_store import RedisStore
from playwright.async_api import Browser, Route

from local.ended import ended
from local.supervisor.mesh import Mesh
from tests.e2e.browser import browser, needs_a_browser
from tests.e2e.page_calls import (
    AUDIBLE,
    OPENING,
    call_id_of,
    call_of,
    caller_at,
    callers_turns,
    hear_each_other,
    microphones,
)
from tests.e2e.page_network import PageNetwork, impatient_client
from tests.e2e.processes import has_no_call, no_call_goes_on, sees

pytestmark = [pytest.mark.asyncio(loop_scope="session"), *needs_a_browser]

OFFLINE_SECONDS = 5.0
NARROW = {"width": 360, "height": 740}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def network() -> AsyncIterator[PageNetwork]:
    async with PageNetwork() as network:
        yield network


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def mesh(playbook_mesh: Mesh, run_dirs: Path, network: PageNetwork) -> AsyncIterator[Mesh]:
    async with Mesh(
        run_dirs / "page",
        services=("triage", "billing"),
        # A caller who is muted says nothing for a while.
        env_of={"gateway": network.env, "billing": {"VOICEMESH_SILENCE_SECONDS": "20"}},
        ports=network.ports,
        speech_url=playbook_mesh.speech_url,
        for_browsers=True,
    ) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


async def test_from_the_button_to_the_refund(mesh: Mesh, chrome: Browser) -> None:
    caller = await caller_at(mesh, chrome)
    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    assert await caller.state() == "talking"
    await caller.talk(until="One moment please", within_seconds=60)
    assert await caller.loudness() > AUDIBLE, "the announcement, or the first words of billing, are played by the page"
    await caller.talk(until="Goodbye", within_seconds=150)
    await caller.page.screenshot(path=mesh.run_dir / "call-page.png")
    heard = await caller.heard()
    assert "$49.99" in heard
    assert "reference is RF" in heard.replace("R F", "RF")
    told = await caller.page.inner_text("#captions")
    assert told.count("You are now talking to: Billing specialist") == 1
    assert "You are now talking to: Front desk" not in told
    await caller.comes_to("ended")
    assert await caller.page.inner_text("#status") == "The call has ended. Thank you."
    store = RedisStore.connect(mesh.redis_url)
    try:
        call = await ended(store, call_id, within_seconds=20)
    finally:
        await store.aclose()
    assert call is not None
    assert call.ending is Ending.RESOLVED
    assert call.services == ("triage", "billing")
    assert caller.problems == []
    await caller.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_a_page_that_is_loaded_again_goes_on_with_its_call(mesh: Mesh, chrome: Browser) -> None:
    caller = await caller_at(mesh, chrome, path="?service=billing")
    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    await caller.loads_again()
    await caller.comes_to("talking")
    assert await call_id_of(mesh) == call_id
    assert "Billing specialist" in await caller.page.inner_text("#who")
    await caller.say(OPENING)
    await hear_each_other(caller, until="account ID")
    assert "You are now talking to" not in await caller.page.inner_text("#captions")
    await caller.press("Hang up")
    await caller.comes_to("ended")
    await caller.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_a_page_that_is_closed_is_missed_sooner_than_its_browser_would_be(mesh: Mesh, chrome: Browser) -> None:
    caller = await caller_at(mesh, chrome, path="?service=billing")
    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    await caller.page.goto("about:blank")
    log = mesh.run_dir / "logs" / "gateway.log"

    async def told() -> list[str]:
        return [line for line in log.read_text().splitlines() if call_id in line]

    await sees(
        told,
        lambda lines: any("did not come back" in line for line in lines),
        what="the gateway's word that the page did not come back",
        seconds=30,
    )
    await caller.page.close()
    await has_no_call(mesh, "triage", "billing")
    await no_call_goes_on(mesh)  # else the next test may take it for its own


async def test_a_call_that_is_opened_in_a_second_tab_goes_on_there_and_the_first_one_says_so(
    mesh: Mesh, chrome: Browser
) -> None:
    context = await chrome.new_context()
    first = await caller_at(mesh, context, path="?service=billing")
    await first.press("Start the call")
    await first.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    second = await caller_at(mesh, context)
    await second.comes_to("talking")
    await first.comes_to("idle")
    assert "another tab" in await first.page.inner_text("#status")
    assert await call_id_of(mesh) == call_id
    await second.press("Hang up")
    await second.comes_to("ended")
    await context.close()
    await has_no_call(mesh, "triage", "billing")


async def test_a_network_that_goes_away_for_a_moment_costs_nobody_his_call(
    mesh: Mesh, chrome: Browser, network: PageNetwork
) -> None:
    caller = await caller_at(mesh, chrome, path="?service=billing")
    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    await network.goes()
    try:
        await caller.comes_to("reconnecting")
        await asyncio.sleep(OFFLINE_SECONDS)
        assert await caller.state() == "reconnecting"
    finally:
        await network.comes()
    await caller.comes_to("talking")
    assert await caller.page.inner_text("#status") == "Connected again. Go on speaking."
    await hear_each_other(caller, until="account ID")
    assert await call_id_of(mesh) == call_id
    await caller.press("Hang up")
    await caller.comes_to("ended")
    await caller.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_a_line_that_livekits_client_gives_up_is_taken_up_again_with_sound_both_ways(
    mesh: Mesh, chrome: Browser, network: PageNetwork
) -> None:
    async def impatient(route: Route) -> None:
        await route.fulfill(status=200, content_type="text/javascript", body=impatient_client())

    context = await chrome.new_context()
    await context.route("**/vendor/livekit-client.js", impatient)
    caller = await caller_at(mesh, context, path="?service=billing")
    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    await network.goes()
    try:
        # Not for long: LiveKit closes this mesh's rooms five seconds after their caller has left.
        await sees(
            lambda: caller.page.inner_text("#status"),
            lambda told: told == "The connection is lost. We are trying to bring your call back.",
            what="a line that is given up",
        )
        assert await caller.state() == "reconnecting"
        assert await caller.page.locator("audio").count() == 0, "the sound is gone with it"
        assert await caller.page.get_by_role("button", name="Hang up").is_visible()
    finally:
        await network.comes()
    await caller.comes_to("talking")
    assert await call_id_of(mesh) == call_id
    await hear_each_other(caller, until="account ID")
    await caller.press("Hang up")
    await caller.comes_to("ended")
    await context.close()
    await has_no_call(mesh, "triage", "billing")


async def test_who_is_muted_is_not_heard_and_stays_muted_when_the_page_is_loaded_again(
    mesh: Mesh, chrome: Browser
) -> None:
    caller = await caller_at(mesh, chrome, path="?service=billing")

    async def microphone_is(state: str) -> None:
        await sees(lambda: microphones(mesh, call_id), lambda seen: seen == [state], what=f"one microphone, {state}")

    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    await microphone_is("open")
    await caller.press("Mute")
    await microphone_is("muted")
    await caller.say(OPENING)
    await caller.loads_again()
    await caller.comes_to("talking")
    assert await caller.page.get_by_role("button", name="Muted", pressed=True).is_visible()
    await microphone_is("muted")
    assert callers_turns(await call_of(mesh, call_id)) == []
    await caller.press("Muted")
    await microphone_is("open")
    await caller.say(OPENING)
    await hear_each_other(caller, until="account ID")
    assert " ".join(callers_turns(await call_of(mesh, call_id))).count("charged") == 1
    await caller.press("Hang up")
    await caller.comes_to("ended")
    await caller.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_what_is_typed_on_the_pages_keypad_by_keyboard_reaches_the_agent(mesh: Mesh, chrome: Browser) -> None:
    caller = await caller_at(mesh, chrome, path="?service=billing")
    await caller.press("Start the call")
    await caller.talk(until="account ID", within_seconds=60)
    call_id = await call_id_of(mesh)
    await caller.page.get_by_role("button", name="Keypad").press("Enter")
    for key in ("4", "7", "2", "1", "hash"):
        await caller.page.get_by_role("button", name=key, exact=True).press("Enter")
    await sees(caller.heard, lambda heard: "zip code" in heard.lower(), what="the next question", seconds=60)
    call = await sees(
        lambda: call_of(mesh, call_id),
        lambda call: call.fact("account_id") is not None,
        what="an account in the call's record",
    )
    known = call.fact("account_id")
    assert known is not None
    assert known.value == "AC4721"
    assert callers_turns(call)[-1] == "My account ID is A C, 4 7 2 1."
    await caller.press("Hang up")
    await caller.comes_to("ended")
    await caller.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_a_call_is_made_with_the_keyboard_alone_on_a_narrow_screen(mesh: Mesh, chrome: Browser) -> None:
    caller = await caller_at(mesh, chrome, path="?service=billing")
    await caller.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert not await caller.scrolls_sideways()
    await caller.tabs_to("Start the call")
    await caller.page.keyboard.press("Enter")
    await caller.talk(until="How can I help", within_seconds=30)
    assert await caller.focused() == "Hang up"
    await caller.tabs_to("Mute")
    for name in ("Muted", "Mute"):
        await caller.page.keyboard.press("Space")
        await sees(caller.focused, lambda focused, name=name: focused == name, what=f"{name}, and the keyboard on it")
    await caller.tabs_to("Keypad")
    await caller.page.keyboard.press("Enter")
    await caller.tabs_to("#")
    assert not await caller.scrolls_sideways(), "with keypad and captions"
    await caller.page.screenshot(path=mesh.run_dir / "call-page-narrow.png", full_page=True)
    await caller.tabs_to("Hang up", key="Shift+Tab")
    await caller.page.keyboard.press("Enter")
    await caller.comes_to("ended")
    assert await caller.focused() == "Call again"
    assert not await caller.scrolls_sideways()
    assert caller.problems == []
    await caller.page.close()
    await has_no_call(mesh, "triage", "billing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_serious_problem_before_and_during_a_call(
    mesh: Mesh, chrome: Browser, repo_root: Path, scheme: Literal["light", "dark"]
) -> None:
    axe = (repo_root / "gateway" / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text()
    context = await chrome.new_context(color_scheme=scheme)
    caller = await caller_at(mesh, context, path="?service=billing")

    async def problems() -> list[str]:
        await caller.page.evaluate(axe)
        found = (await caller.page.evaluate("() => axe.run()"))["violations"]
        return [f"{one['id']}: {one['help']}" for one in found if one["impact"] in ("serious", "critical")]

    assert await problems() == []
    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    await caller.press("Keypad")
    assert await problems() == []
    await caller.page.screenshot(path=mesh.run_dir / f"call-page-{scheme}.png")
    await caller.press("Hang up")
    await caller.comes_to("ended")
    await context.close()
    await has_no_call(mesh, "triage", "billing")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NotAllowedError", "Allow it in the address bar"),
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "Another program is using your microphone"),
    ],
)
async def test_who_has_no_microphone_for_us_is_told_why_and_how_to_mend_it(
    mesh: Mesh, chrome: Browser, name: str, told: str
) -> None:
    page = await chrome.new_page()
    refused = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', '{name}'); }}"
    await page.add_init_script(refused)
    await page.goto(mesh.page_url)
    button = page.get_by_role("button", name="Start the call")
    await button.click()
    assert told in await page.get_by_role("alert").inner_text()
    assert await button.is_enabled()
    assert await button.evaluate("(button) => button === document.activeElement")
    await page.close()


async def test_who_hangs_up_while_his_browser_asks_for_the_microphone_calls_nobody(mesh: Mesh, chrome: Browser) -> None:
    page = await chrome.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(mesh.page_url)))
    await page.add_init_script("""
      navigator.mediaDevices.getUserMedia = () => new Promise((on) => {
        window.allow = () => on(window.microphone = new AudioContext().createMediaStreamDestination().stream);
      });
    """)
    await page.goto(mesh.page_url)
    await page.get_by_role("button", name="Start the call").click()
    await page.get_by_role("button", name="Hang up").click()
    assert await page.inner_text("#status") == "You have hung up."
    await page.evaluate("window.allow(), undefined")
    await sees(
        lambda: page.evaluate("window.microphone.getTracks().map((track) => track.readyState)"),
        lambda states: states == ["ended"],
        what="a microphone that is shut",
    )
    assert await page.evaluate("document.body.dataset.state") == "ended"
    assert "api/calls" not in asked
    await page.close()
