"""The console as people use it: real Chromium, the real gateway, a real call that goes on meanwhile, and webhooks from a real LiveKit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from handoff.call import Ending
from handoff.redis_store import RedisStore
from playwright.async_api import Browser, BrowserContext, Page

from local.caller import load_script, new_access, place_call, render
from local.caller.shipped import FOLDER
from local.ended import ended
from local.supervisor.mesh import Mesh
from tests.e2e.browser import browser, chromium
from tests.e2e.processes import has_no_call, sees

AXE = Path(__file__).parents[2] / "gateway/web/node_modules/axe-core/axe.min.js"
pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not chromium(), reason="no Chromium is installed (apt-get install chromium)"),
]

DUPLICATE_CHARGE = load_script(FOLDER / "duplicate_charge.yaml")
LOOKS = "looks-looks-looks-looks-looks-looks-looks"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def mesh(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[Mesh]:
    async with Mesh(
        run_dirs / "console",
        services=("triage", "billing"),
        env_of={"gateway": {"VOICEMESH_CONSOLE_SECRET": LOOKS}},
        speech_url=playbook_mesh.speech_url,
        for_browsers=True,
    ) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with browser() as running:
        yield running


class Watcher:
    """Somebody at the console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        """Errors of the page's scripts, and what its policy refused; a door that is still closed (401) is none."""
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self._note(said.text) if said.type == "error" else None)

    def _note(self, said: str) -> None:
        if "401" not in said:
            self.problems.append(said)

    @classmethod
    async def at(cls, mesh: Mesh, where: Browser | BrowserContext, secret: str = "") -> Watcher:
        """Has opened the page, and signed in with that secret."""
        page = await where.new_page()
        await page.set_viewport_size(DESK)  # type: ignore[arg-type]
        watcher = cls(page)
        await page.goto(f"{mesh.page_url}console")
        if secret:
            await watcher.sign_in(secret)
            await page.wait_for_selector("#board:not([hidden])")
        return watcher

    async def sign_in(self, secret: str) -> None:
        """With the keyboard alone."""
        await self.page.wait_for_selector("#sign-in:not([hidden])")
        await self.page.keyboard.type(secret)
        await self.page.keyboard.press("Enter")

    async def reads(self, text: str, *, where: str = "main", seconds: float = 90.0) -> None:
        """Returns when the page shows that."""
        await sees(
            lambda: self.page.inner_text(where),
            lambda shown: text in shown,
            what=f"{text!r} in {where}",
            seconds=seconds,
        )


@asynccontextmanager
async def on_the_line(mesh: Mesh) -> AsyncIterator[str]:
    """A recorded caller calls while the block lasts; the call's id."""
    voice = await render(DUPLICATE_CHARGE, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    access = new_access(mesh.livekit_url, api_key=mesh.livekit_api_key, api_secret=mesh.livekit_api_secret)
    calling = asyncio.create_task(place_call(DUPLICATE_CHARGE, voice, access=access))
    try:
        yield access.call_id
    finally:
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)


async def ending_of(mesh: Mesh, call_id: str) -> Ending | None:
    store = RedisStore.connect(mesh.redis_url)
    try:
        call = await ended(store, call_id, within_seconds=60)
    finally:
        await store.aclose()
    return call.ending if call is not None else None


async def test_a_call_is_seen_from_its_first_second_to_its_ending(mesh: Mesh, chrome: Browser) -> None:
    watcher = await Watcher.at(mesh, await chrome.new_context(), LOOKS)
    await watcher.reads("0 calls on the line.")
    async with on_the_line(mesh) as call_id:
        await watcher.reads(call_id, where="#live")
        await watcher.page.get_by_role("button", name=call_id).press("Enter")
        await watcher.reads("handoff triage → billing", where="#story", seconds=180)
        await watcher.reads("billing-", where="#live")
        await watcher.reads("billing spoke", where="#story", seconds=60)
        assert await watcher.page.locator("#picture rect.turn").count() >= 3
        assert await watcher.page.locator("#picture path.handoff").count() >= 1
        await watcher.page.screenshot(path=mesh.run_dir / "console-live.png", full_page=True)
        content = await watcher.page.content()
        for words in ("charged twice", "Sarah", "AC4721", "How can I help"):
            assert words not in content
    await watcher.reads(call_id, where="#ended", seconds=120)
    assert await ending_of(mesh, call_id) is not None
    await watcher.page.screenshot(path=mesh.run_dir / "console-ended.png", full_page=True)
    assert watcher.problems == []
    await watcher.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_each_service_shows_its_places_and_one_without_a_worker_says_so(mesh: Mesh, chrome: Browser) -> None:
    watcher = await Watcher.at(mesh, await chrome.new_context(), LOOKS)
    await watcher.reads("10 of 10 places free, 1 worker", where="#services .of-billing")
    await watcher.reads("no worker", where="#services .of-sales")
    async with on_the_line(mesh) as call_id:
        await watcher.reads(call_id, where="#live")
        await watcher.reads("9 of 10 places free", where="#services .of-triage")
    await watcher.reads(call_id, where="#ended", seconds=120)
    await watcher.reads("10 of 10 places free", where="#services .of-triage")
    mesh.process("billing").kill_group()
    await watcher.reads("no worker", where="#services .of-billing", seconds=30)
    await mesh.restart("billing")
    await watcher.reads("10 of 10 places free", where="#services .of-billing", seconds=60)
    assert watcher.problems == []
    await watcher.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_a_reader_reads_what_is_said_on_a_telephones_screen(mesh: Mesh, chrome: Browser) -> None:
    watcher = await Watcher.at(mesh, await chrome.new_context(), mesh.staff_secret)
    await watcher.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    async with on_the_line(mesh) as call_id:
        await watcher.reads(call_id, where="#live")
        await watcher.page.get_by_role("button", name=call_id).click()
        await watcher.reads("How can I help", where="#story", seconds=120)
        wide = await watcher.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, "the page itself does not scroll sideways"
        await watcher.page.screenshot(path=mesh.run_dir / "console-phone.png", full_page=True)
    await watcher.reads(call_id, where="#ended", seconds=120)
    assert watcher.problems == []
    await watcher.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_a_wrong_secret_is_told_and_whoever_signs_out_sees_nothing_more(mesh: Mesh, chrome: Browser) -> None:
    watcher = await Watcher.at(mesh, await chrome.new_context())
    await watcher.sign_in("not-the-secret")
    await watcher.reads("not a secret of the console")
    await watcher.page.fill("#secret", LOOKS)
    await watcher.page.keyboard.press("Enter")
    await watcher.reads("on the line.")
    await watcher.page.get_by_role("button", name="Sign out").click()
    await watcher.reads("Sign in to see the calls.")
    assert not await watcher.page.is_visible("#board")
    await watcher.page.reload()
    await watcher.reads("Sign in to see the calls.")
    assert watcher.problems == []
    await watcher.page.close()


@pytest.mark.skipif(not AXE.is_file(), reason="axe is not installed (make web, needs npm)")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_serious_problem_signed_out_and_with_a_call(
    mesh: Mesh, chrome: Browser, scheme: Literal["light", "dark"]
) -> None:
    watcher = await Watcher.at(mesh, await chrome.new_context(color_scheme=scheme))

    async def problems() -> list[str]:
        await watcher.page.evaluate(AXE.read_text())
        found = (await watcher.page.evaluate("() => axe.run()"))["violations"]
        return [f"{one['id']}: {one['help']}" for one in found if one["impact"] in ("serious", "critical")]

    await watcher.page.wait_for_selector("#sign-in:not([hidden])")
    assert await problems() == []
    await watcher.sign_in(mesh.staff_secret)
    async with on_the_line(mesh) as call_id:
        await watcher.reads(call_id, where="#live")
        await watcher.page.get_by_role("button", name=call_id).click()
        await watcher.reads("How can I help", where="#story", seconds=120)
        assert await problems() == []
        await watcher.page.screenshot(path=mesh.run_dir / f"console-{scheme}.png", full_page=True)
    await watcher.reads(call_id, where="#ended", seconds=120)
    await watcher.page.close()
    await has_no_call(mesh, "triage", "billing")


async def test_livekit_tells_the_gateway_and_is_believed(mesh: Mesh) -> None:
    """The list of rooms that a caller came into has him some seconds after he came."""
    store = RedisStore.connect(mesh.redis_url)
    try:
        async with on_the_line(mesh) as call_id:

            async def told() -> list[str]:
                events = [key async for key in store._client.scan_iter("*:event:*")]
                return [await store._client.get(key) for key in events]

            await sees(told, lambda rooms: call_id in rooms, what=f"LiveKit's word of {call_id}", seconds=30)
            await sees(
                lambda: store.load_floor(call_id),
                lambda floor: floor is not None,
                what="an agent with the floor",
                seconds=30,
            )
    finally:
        await store.aclose()
    assert await ending_of(mesh, call_id) is not None, "the call ends without its caller"
    await has_no_call(mesh, "triage", "billing")
