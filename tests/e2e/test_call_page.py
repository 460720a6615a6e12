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
from playwright.async_api import Browser, BrowserContext

from local.caller import load_script, render
from local.caller.shipped import FOLDER
from local.chaos.replies import Replies, as_script, replies_of
from local.ended import ended
from local.supervisor.mesh import Mesh
from tests.e2e.browser import PageCaller, browser, needs_a_browser
from tests.e2e.processes import has_no_call, no_call_goes_on, sees

pytestmark = [pytest.mark.asyncio(loop_scope="session"), *needs_a_browser]

DUPLICATE_CHARGE = load_script(FOLDER / "duplicate_charge.yaml")
AUDIBLE = 0.02
OFFLINE_SECONDS = 5.0


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def mesh(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[Mesh]:
    async with Mesh(
        run_dirs / "page", services=("triage", "billing"), speech_url=playbook_mesh.speech_url, for_browsers=True
    ) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


async def caller_at(mesh: Mesh, chrome: Browser | BrowserContext, *, path: str = "") -> PageCaller:
    replies: Replies = replies_of(DUPLICATE_CHARGE)
    lines = as_script(replies.every_line, like=DUPLICATE_CHARGE)
    audio = await render(lines, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    voice = {words: audio[index] for index, words in enumerate(replies.every_line)}
    return await PageCaller.at(chrome, mesh.page_url + path, replies, voice)


async def call_id_of(mesh: Mesh) -> str:
    store = RedisStore.connect(mesh.redis_url)
    try:
        async with asyncio.timeout(20):
            while not (calls := await store.live_calls()):
                await asyncio.sleep(0.1)
        return calls[0]
    finally:
        await store.aclose()


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
    await caller.page.reload()
    await caller.comes_to("talking")
    assert await call_id_of(mesh) == call_id
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


async def test_a_network_that_goes_away_for_a_moment_costs_nobody_his_call(mesh: Mesh, chrome: Browser) -> None:
    context = await chrome.new_context()
    caller = await caller_at(mesh, context, path="?service=billing")
    await caller.press("Start the call")
    await caller.talk(until="How can I help", within_seconds=30)
    call_id = await call_id_of(mesh)
    await context.set_offline(True)
    await asyncio.sleep(OFFLINE_SECONDS)
    await context.set_offline(False)
    await caller.comes_to("talking")
    assert await call_id_of(mesh) == call_id
    await caller.talk(until="account ID", within_seconds=60)
    await caller.press("Hang up")
    await caller.comes_to("ended")
    await context.close()
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


async def test_who_does_not_allow_the_microphone_is_told_how(mesh: Mesh, chrome: Browser) -> None:
    page = await chrome.new_page()
    refused = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }"
    await page.add_init_script(refused)
    await page.goto(mesh.page_url)
    await page.get_by_role("button", name="Start the call").click()
    assert "Allow it in the address bar" in await page.get_by_role("alert").inner_text()
    assert await page.get_by_role("button", name="Start the call").is_enabled()
    await page.close()
