"""A call that really comes by telephone: a SIP user agent dials a number of phone.yaml, through livekit/sip, and types his account."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soxr
from handoff.call import Call, Channel, Ending, Role
from handoff.redis_store import RedisStore

from local.caller import render
from local.caller.band import RATE as CALLERS_RATE
from local.ended import ended
from local.supervisor.mesh import ROOT, Mesh
from tests.e2e.calls import caller, says
from tests.e2e.processes import has_no_call
from tests.telephone.softphone import RATE, Softphone
from tests.telephone.stack import BRIDGE, OUR_NUMBER, needs_telephones

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(480), *needs_telephones]

PHONE_YAML = f"""
inbound:
  - name: carrier
    allowed_addresses: [127.0.0.1]
    numbers: {{"{OUR_NUMBER}": triage}}
"""
SERVICES = ("triage", "billing")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def mesh(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[Mesh]:
    async with Mesh(
        run_dirs / "real-sip",
        services=SERVICES,
        speech_url=playbook_mesh.speech_url,
        bridge=BRIDGE,
    ) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def number(mesh: Mesh) -> str:
    """Where livekit/sip takes calls to the number, once `make phone-config` has been run."""
    config = mesh.run_dir / "phone.yaml"
    config.write_text(PHONE_YAML)
    own = {
        "LIVEKIT_URL": mesh.livekit_url,
        "LIVEKIT_API_KEY": mesh.livekit_api_key,
        "LIVEKIT_API_SECRET": mesh.livekit_api_secret,
    }
    applied = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.phone", str(config), cwd=ROOT, env={**mesh.settings.inherited, **own}
    )
    assert await applied.wait() == 0
    return mesh.sip_address


async def line(mesh: Mesh, words: str) -> np.ndarray:
    """What the caller says, at his telephone's 8 kHz."""
    script = caller(says(words, after="never"), channel="phone")
    audio = (await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir))[0]
    return np.asarray(soxr.resample(audio, CALLERS_RATE, RATE), dtype=np.int16)


async def test_a_telephone_reaches_triage_and_is_understood_by_voice_and_by_keys(
    mesh: Mesh, number: str, tmp_path: Path
) -> None:
    complaint = await line(mesh, "Hi, I was charged twice for my March invoice.")
    store = RedisStore.connect(mesh.redis_url)

    async def call(until: Callable[[Call], bool]) -> Call:
        async with asyncio.timeout(90):
            while True:
                for call_id in await store.live_calls():
                    found = await store.load_call(call_id)
                    if found is not None and until(found):
                        return found
                await asyncio.sleep(0.1)

    def said(words: str) -> Callable[[Call], bool]:
        return lambda call: any(words in turn.text for turn in call.turns if turn.role is Role.AGENT)

    try:
        async with Softphone(tmp_path, mesh.settings.inherited) as phone:
            heard = await phone.records()
            phone.calls(OUR_NUMBER, at=number)
            await phone.until("media", seconds=60)
            greeted = await call(said("How can I help"))
            assert (greeted.channel, greeted.services) == (Channel.PHONE, ("triage",))
            phone.says(complaint)
            await call(said("account ID"))
            phone.presses("4721#")
            known = await call(lambda call: call.fact("account_id") is not None)
            assert known.services == SERVICES
            assert known.fact("account_id").value == "AC4721"  # type: ignore[union-attr]
            sound = await phone.heard(heard)
            phone.hangs_up()
            call_after = await ended(store, known.call_id, within_seconds=60)
        assert call_after is not None
        assert call_after.ending is Ending.CALLER_HUNG_UP
        assert np.abs(sound.astype(int)).max() > 3000, "the agents were heard at the telephone"
    finally:
        await store.aclose()
    await has_no_call(mesh, *SERVICES)
