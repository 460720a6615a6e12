"""A caller wants a person and gets one: through the real gateway, with real audio; handed back with a note; seen in two browsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from handoff.call import Ending
from handoff.redis_store import RedisStore
from playwright.async_api import Browser

from local.caller import load_script, render
from local.caller.band import Samples
from local.caller.script import Line
from local.caller.shipped import FOLDER
from local.chaos.replies import Replies, as_script
from local.ended import ended
from local.supervisor.mesh import Mesh
from tests.e2e.browser import PageCaller, browser, needs_a_browser
from tests.e2e.calls import Live, caller, hangs_up, ring, says
from tests.e2e.desk_human import SECRET, DeskHuman
from tests.e2e.processes import has_no_call, identities, no_call_goes_on, sees

pytestmark = pytest.mark.asyncio(loop_scope="session")

WANTS_A_MANAGER = says("This is ridiculous. I want to speak to a manager.", after="how can I help")
GREETING = "Hello, this is Anna. I have read everything, and I will put it right."
NOTE = "Please refund the second charge on the March invoice of account AC4721."
SERVICES = ("triage", "escalation", "billing")
AUDIBLE = 0.02
KEEPS_STATES = """
() => {
  const now = () => `${document.body.dataset.state}: ${document.getElementById('status').textContent}`;
  let last = now();
  window.states = [];
  const look = () => { if (now() !== last) window.states.push(last = now()); };
  const everything = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['data-state'] };
  new MutationObserver(look).observe(document.body, everything);
}
"""
"""Some states of the desk's page are over sooner than anybody looks."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def mesh(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[Mesh]:
    env_of = {
        "gateway": {"VOICEMESH_DESK_SECRET": SECRET},
        "escalation": {"VOICEMESH_DESK_SECONDS": "60"},
        "billing": {"VOICEMESH_SILENCE_SECONDS": "60"},
    }
    async with Mesh(
        run_dirs / "desk", services=SERVICES, env_of=env_of, speech_url=playbook_mesh.speech_url, for_browsers=True
    ) as mesh:
        yield mesh


def leaves(*, after: str) -> Line:
    """The caller hangs up; he is patient: a human talks to him, or has to be missed for ten seconds."""
    return replace(hangs_up(after=after), timeout_seconds=90)


async def spoken(mesh: Mesh, words: str) -> Samples:
    """A human's line, in another voice than the agents'."""
    script = caller(says(words, after="never"))
    return (await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir))[0]


# --- without a browser --------------------------------------------------------------------------------------------------
async def test_a_human_takes_the_call_speaks_and_hands_it_back_with_a_note_that_billing_uses(mesh: Mesh) -> None:
    greeting = await spoken(mesh, GREETING)
    briefing: dict[str, object] = {}

    async def anna(live: Live) -> None:
        async with DeskHuman(mesh, "Anna") as human:
            briefing.update(await human.takes_a_call())
            await human.says(greeting)
            await human.hands_back("billing", NOTE)

    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="zip code")), meddle=anna)
    assert evidence.voices == ["triage", "escalation", "human", "billing"]
    assert evidence.call.services == ("triage", "escalation", "human", "billing")
    assert "Anna from our team is here" in evidence.said_by("escalation")
    assert await evidence.hears("I have read everything", service="human")
    assert "March" in evidence.said_by("billing"), "of the note"
    assert "account ID" not in evidence.said_by("billing"), "it stood in the note"
    assert "speak to a manager" in str(briefing["turns"])
    await has_no_call(mesh, *SERVICES)


async def test_a_call_that_a_human_ends_is_one_that_a_human_had(mesh: Mesh) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        async with DeskHuman(mesh, "Anna") as human:
            await human.takes_a_call()
            await human.says(greeting)
            await human.ends_the_call()

    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="never said")), meddle=anna)
    assert (evidence.ending, evidence.recording.ended_by) == (Ending.TRANSFERRED_TO_HUMAN, "mesh")
    await has_no_call(mesh, *SERVICES)


async def test_a_human_who_is_lost_is_followed_by_customer_care(mesh: Mesh) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        async with DeskHuman(mesh, "Anna") as human:
            await human.takes_a_call()
            await human.says(greeting)  # and then no heartbeat any more

    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="how can I help you now")), meddle=anna)
    assert evidence.voices == ["triage", "escalation", "human", "escalation"]
    assert "my colleague's line was cut off" in evidence.said_by("escalation")
    await has_no_call(mesh, *SERVICES)


async def test_while_nobody_is_on_duty_a_managers_call_is_offered_as_ever(mesh: Mesh) -> None:
    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="shall I book that")))
    assert "colleague" not in evidence.said_by("escalation")
    assert evidence.call.services == ("triage", "escalation")
    await has_no_call(mesh, *SERVICES)


# --- two browsers -------------------------------------------------------------------------------------------------------
@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


async def page_at(mesh: Mesh, chrome: Browser, path: str, opening: str) -> PageCaller:
    """Somebody at a page of the gateway; ``opening`` is what he says first."""
    like = load_script(FOLDER / "escalation_manager.yaml")
    replies = Replies(opening, ())
    lines = as_script(replies.every_line, like=like)
    audio = await render(lines, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    voice = {words: audio[index] for index, words in enumerate(replies.every_line)}
    return await PageCaller.at(chrome, mesh.page_url + path, replies, voice)


async def signed_in(mesh: Mesh, chrome: Browser) -> PageCaller:
    desk = await page_at(mesh, chrome, "desk", GREETING)
    await desk.page.set_viewport_size({"width": 1280, "height": 800})
    await desk.page.get_by_label("Your name").fill("Anna")
    await desk.page.get_by_label("The desk's secret").fill(SECRET)
    await desk.press("Sign in")
    await desk.comes_to("idle")
    return desk


async def axe_problems(desk: PageCaller, repo_root: Path) -> list[str]:
    await desk.page.evaluate((repo_root / "gateway/web/node_modules/axe-core/axe.min.js").read_text())
    found = (await desk.page.evaluate("() => axe.run()"))["violations"]
    return [f"{one['id']}: {one['help']}" for one in found if one["impact"] in ("serious", "critical")]


class TestInTwoBrowsers:
    pytestmark = needs_a_browser

    async def test_a_caller_and_a_human_talk_and_the_human_ends_the_call(
        self, mesh: Mesh, chrome: Browser, repo_root: Path
    ) -> None:
        desk = await signed_in(mesh, chrome)
        assert await axe_problems(desk, repo_root) == []
        customer = await page_at(mesh, chrome, "", "This is ridiculous. I want to speak to a manager.")
        await customer.press("Start the call")
        await customer.talk(until="hold the line", within_seconds=60)
        await desk.page.get_by_role("button", name="Accept this call").wait_for(timeout=10_000)
        assert "speak to a manager" in await desk.page.inner_text("#turns")
        await desk.press("Accept this call")
        await desk.comes_to("talking")
        assert "Anna from our team is here" in await customer.heard()
        saying = asyncio.ensure_future(desk.say(GREETING))
        assert await customer.loudness() > AUDIBLE, "the human is played by the caller's page"
        await saying
        assert await axe_problems(desk, repo_root) == []
        await desk.page.screenshot(path=mesh.run_dir / "desk.png", full_page=True)
        await desk.press("End call")
        await customer.comes_to("ended")
        await desk.comes_to("idle")
        assert desk.problems == []
        assert customer.problems == []
        store = RedisStore.connect(mesh.redis_url)
        try:
            (line,) = (await store.endings())[-1:]
            call = await ended(store, line.call_id, within_seconds=20)
        finally:
            await store.aclose()
        assert call is not None
        assert call.ending is Ending.TRANSFERRED_TO_HUMAN
        await desk.page.close()
        await customer.page.close()
        await has_no_call(mesh, *SERVICES)

    async def test_a_human_hands_the_call_back_with_a_note_and_billing_goes_on_with_it(
        self, mesh: Mesh, chrome: Browser
    ) -> None:
        await no_call_goes_on(mesh)  # the one that goes on then is this one
        desk = await signed_in(mesh, chrome)
        customer = await page_at(mesh, chrome, "", "This is ridiculous. I want to speak to a manager.")
        assert desk.page.context is not customer.page.context, "two browsers: neither has the other's cookies"
        await customer.press("Start the call")
        await customer.talk(until="hold the line", within_seconds=60)
        await desk.press("Accept this call")
        await desk.comes_to("talking")
        assert "Anna from our team is here" in await customer.heard()
        saying = asyncio.ensure_future(desk.say(GREETING))
        assert await customer.loudness() > AUDIBLE, "the human is played by the caller's page"
        await saying
        assert (await desk.state(), await customer.state()) == ("talking", "talking")
        assert (await customer.page.inner_text("#captions")).count("is not written down") == 1, "nobody transcribes now"

        before = len(await customer.heard())
        await desk.page.evaluate(KEEPS_STATES)
        await desk.page.get_by_label("Hand back to").select_option("billing")
        await desk.page.get_by_label("with a note for it").fill(NOTE)
        await desk.press("Hand back")
        await desk.comes_to("idle")
        assert (await desk.page.evaluate("window.states"))[:2] == [
            "handing: The service takes over. Your microphone is shut.",
            "idle: You handed the call back.",
        ]
        assert await desk.page.get_by_role("alert").is_hidden()
        assert await desk.page.get_by_role("button", name="Hand back").is_hidden()
        assert await desk.page.input_value("#note") == ""

        await customer.talk(until="ZIP code", within_seconds=60)
        said = (await customer.heard())[before:]
        assert "March" in said, "of the note"
        assert "account ID" not in said, "it stood in the note"
        assert await customer.state() == "talking"
        assert await customer.page.inner_text("#name") == "Billing specialist"

        store = RedisStore.connect(mesh.redis_url)
        try:
            (call_id,) = await store.live_calls()
            there = await sees(
                lambda: identities(mesh, call_id),
                lambda there: not any(one.startswith("human-") for one in there),
                what="no human in the room any more",
            )
            assert sum(one.startswith("billing-") for one in there) == 1
            await sees(store.humans_on_duty, lambda humans: humans == 1, what="the desk's human on duty again")
            await customer.press("Hang up")
            await customer.comes_to("ended")
            call = await ended(store, call_id, within_seconds=20)
        finally:
            await store.aclose()
        assert call is not None
        assert call.ending is Ending.CALLER_HUNG_UP
        assert call.services == ("triage", "escalation", "human", "billing")
        assert await desk.state() == "idle"
        assert desk.problems == []
        assert customer.problems == []
        await desk.page.close()
        await customer.page.close()
        await has_no_call(mesh, *SERVICES)

    async def test_a_caller_who_hangs_up_ends_the_call_and_the_desk_is_free_again(
        self, mesh: Mesh, chrome: Browser
    ) -> None:
        desk = await signed_in(mesh, chrome)
        customer = await page_at(mesh, chrome, "", "I want to speak to a manager.")
        await customer.press("Start the call")
        await customer.talk(until="hold the line", within_seconds=60)
        await desk.press("Accept this call")
        await desk.comes_to("talking")
        await customer.press("Hang up")
        await desk.comes_to("idle", within_seconds=20)
        store = RedisStore.connect(mesh.redis_url)
        try:
            await sees(store.live_calls, lambda calls: not calls, what="no call left")
            await sees(
                store.humans_on_duty, lambda humans: humans == 1, what="the desk's human on duty again, and nobody else"
            )
            (line,) = (await store.endings())[-1:]
        finally:
            await store.aclose()
        assert (line.ending, line.detail) == (Ending.TRANSFERRED_TO_HUMAN, "the caller hung up")
        await desk.page.close()
        await customer.page.close()
        await has_no_call(mesh, *SERVICES)
