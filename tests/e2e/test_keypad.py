"""A caller on the telephone types instead of speaking: what was asked for is taken, a card number never."""

from __future__ import annotations

import re
from typing import Any

import pytest
import pytest_asyncio
from handoff.call import Ending, Role
from redis.asyncio import Redis

from local.supervisor.mesh import Mesh
from tests.e2e.calls import CHARGED_TWICE, IS_DONE, Evidence, Live, caller, hangs_up, presses, ring, says

pytestmark = pytest.mark.asyncio(loop_scope="session")

CARD = "4929381057264183"
PIECE_DIGITS = 7
"""So many digits of it in a row are no accident."""
_SPOKEN = dict(
    zip("0123456789", ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), strict=True)
)
ASKS_ACCOUNT = r"account ID.*hash"


def turns_of(evidence: Evidence, role: Role) -> list[str]:
    return [turn.text for turn in evidence.call.turns if turn.role is role]


# --- a call without a spoken answer -----------------------------------------------------------------------------------
@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def typed(playbook_mesh: Mesh) -> Evidence:
    """Types the account, the ZIP code and a yes; the second time over the agent's own voice, and without hash."""
    script = caller(
        CHARGED_TWICE,
        presses("4721#", after=ASKS_ACCOUNT),
        presses("97209", after="ZIP code on the account", interrupt=True),
        presses("1", after=r"refund it.*keypad"),
        IS_DONE,
        channel="phone",
    )
    return await ring(playbook_mesh, script)


async def test_a_caller_who_types_gets_his_refund(typed: Evidence) -> None:
    assert typed.ending is Ending.RESOLVED
    assert [line.split()[0] for line in typed.call.effects] == ["process_refund"]
    assert typed.call.fact("account_id").value == "AC4721"


async def test_what_he_typed_is_a_turn_of_his_in_words(typed: Evidence) -> None:
    said = turns_of(typed, Role.CALLER)
    assert said[1:4] == ["My account ID is A C, 4 7 2 1.", "The ZIP code is 9 7 2 0 9.", "Yes."]


async def test_he_was_told_of_his_keypad(typed: Evidence) -> None:
    said = " ".join(turns_of(typed, Role.AGENT))
    assert said.count("keypad") >= 2
    assert await typed.hears("keypad", service="billing")


async def test_keys_over_the_agents_voice_silence_it(typed: Evidence) -> None:
    cut = [t for t in typed.call.turns if t.role is Role.AGENT and t.was_interrupted]
    assert any("ZIP code" in turn.text for turn in cut)


# --- what is typed while the call changes hands ------------------------------------------------------------------------
async def test_what_is_typed_over_the_announcement_is_not_asked_for_twice(mesh: Mesh) -> None:
    script = caller(
        CHARGED_TWICE,
        presses("4721#", after="One moment please", interrupt=True),
        presses("97209#", after="ZIP code"),
        hangs_up(after="duplicate charge"),
        channel="phone",
    )
    evidence = await ring(mesh, script)
    assert evidence.call.fact("account_id").value == "AC4721"
    assert "My account ID is A C, 4 7 2 1." in turns_of(evidence, Role.CALLER)
    assert evidence.said_by("billing").count("account ID") <= 1
    assert "what you typed" not in " ".join(turns_of(evidence, Role.AGENT))


# --- card numbers -----------------------------------------------------------------------------------------------------
def pieces_in(text: str) -> list[str]:
    pieces = (CARD[at : at + PIECE_DIGITS] for at in range(len(CARD) - PIECE_DIGITS + 1))
    return [piece for piece in pieces if re.search(r"[ ,.-]{0,2}".join(piece), text)]


async def all_in(client: Any, key: str) -> Any:
    """Whatever Redis holds there."""
    match await client.type(key):
        case "string":
            return await client.get(key)
        case "hash":
            return await client.hgetall(key)
        case "stream":
            return await client.xrange(key)
        case "zset":
            return await client.zrange(key, 0, -1, withscores=True)
        case "set":
            return await client.smembers(key)
        case "list":
            return await client.lrange(key, 0, -1)
        case gone:
            assert gone == "none", f"{key} is a {gone}: look into it, too"
            return None


async def kept(mesh: Mesh) -> str:
    """All that Redis and the databases hold."""
    async with Redis.from_url(mesh.redis_url, decode_responses=True) as client:
        found = [f"{key} {await all_in(client, key)}" for key in [key async for key in client.scan_iter()]]
    assert found, "nothing was looked at"
    databases = (path.read_bytes().decode("latin-1") for path in mesh.run_dir.glob("*.db*"))
    return "\n".join([*found, *databases])


async def is_nowhere(evidence: Evidence, *besides: str) -> None:
    """No piece of the card is in anything that is left of the call, nor in ``besides``."""
    captions = " ".join(caption.text for caption in evidence.recording.captions)
    logs = "".join(path.read_text("utf-8", "replace") for path in (evidence.mesh.run_dir / "logs").iterdir())
    for where in (repr(evidence.call), repr(evidence.handoffs), captions, logs, await kept(evidence.mesh), *besides):
        assert pieces_in(where) == []


async def test_a_card_number_that_is_said_is_nowhere_and_the_caller_hears_that_none_is_needed(mesh: Mesh) -> None:
    card = ", ".join(" ".join(_SPOKEN[digit] for digit in CARD[at : at + 4]) for at in range(0, len(CARD), 4))
    script = caller(CHARGED_TWICE, says(f"{card}.", after="account ID"), hangs_up(after="card numbers"))
    evidence = await ring(mesh, script)
    assert "Please don't tell me card numbers" in evidence.said_by("billing")
    await is_nowhere(evidence)


async def test_a_card_number_that_is_typed_is_in_no_transcript_no_log_and_no_redis(mesh: Mesh) -> None:
    stored: list[str] = []

    async def read_redis(live: Live) -> None:
        """Once the caller was asked not to type card numbers."""
        await live.call(lambda call: any("card numbers" in turn.text for turn in call.turns))
        stored.append(await kept(live.mesh))

    script = caller(
        CHARGED_TWICE,
        presses(f"{CARD}#", after=ASKS_ACCOUNT),
        presses("4721#", after=r"card numbers.*hash"),
        presses("97209#", after="ZIP code"),
        hangs_up(after="duplicate charge"),
        channel="phone",
    )
    evidence = await ring(mesh, script, meddle=read_redis)
    assert evidence.call.fact("account_id").value == "AC4721", "it cost him nothing"
    assert await evidence.hears("card numbers", service="billing")
    assert "a keypad entry was dropped: too long" in (mesh.run_dir / "logs" / "billing.log").read_text()
    await is_nowhere(evidence, *stored)


async def test_the_calling_number_is_in_no_log_of_a_worker(typed: Evidence) -> None:
    folder = typed.mesh.run_dir / "logs"
    logs = "".join((folder / f"{name}.log").read_text("utf-8", "replace") for name in typed.mesh.workers)
    assert typed.call.call_id in logs
    assert "5550100" not in logs
