"""A thousand interleaved calls over a real Redis: nobody is told another caller's words, and no key tells or outlives anything."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from handoff.directory import DIRECTORY
from handoff.keys import PLAIN
from handoff.redis_store import RedisStore
from handoff.testing import make_intent
from redis.asyncio import Redis
from worker.agent import hearing
from worker.agent.call_agent import CallAgent
from worker.service import Service
from worker.testing.canary import CANARY, Canary, Crowd
from worker.testing.text_call import PaperService, paper_service

CALLERS = [Canary(number) for number in range(1000)]
PATIENT_SECONDS = 60.0
"""A thousand calls share one event loop here; nothing is measured."""


def paper(home: Path, name: str) -> Service:
    """A service of paper whose greetings say whatever they are told."""
    home.mkdir()
    told = "Hello {display_name}. It is {invoice_number}. It is {product}. It is {company_size}. It is {postal_code}."
    paper_service(home, greeting_handoff=told, greeting_return=f"{told} It is {{identity_capability}}.")
    return PaperService(name, CallAgent, home=home)


@pytest.mark.timeout(900)
async def test_a_thousand_callers_and_not_one_word_in_the_wrong_place(
    redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a sentence means is not asked here, and the classifier would take most of the time.
    monkeypatch.setattr(hearing.understanding, "find_intents", lambda text: (make_intent(),))
    store = RedisStore.connect(
        redis_url, connect_timeout_seconds=PATIENT_SECONDS, answer_timeout_seconds=PATIENT_SECONDS
    )
    crowd = Crowd(store, {name: paper(tmp_path / name, name) for name in DIRECTORY})
    with caplog.at_level(logging.DEBUG):
        await crowd.call_all(CALLERS)
    assert len({seen.caller for seen in crowd.seen}) == len(CALLERS)
    assert crowd.wrong_sightings() == []

    async with Redis.from_url(redis_url, decode_responses=True) as client:
        lives = {key: await client.ttl(key) async for key in client.scan_iter()}
    assert lives.pop(PLAIN.live) > 0, "the index of calls that have not ended, which holds their IDs alone"
    assert len(lives) == 4 * len(CALLERS), "a call and its three handoffs"
    assert all(0 < seconds <= 3600 for seconds in lives.values())
    await store.aclose()

    written = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for where in (written, " ".join(lives)):
        assert not CANARY.search(where)
        assert not any(secret in where for caller in CALLERS[::20] for secret in (caller.card, caller.phone))
