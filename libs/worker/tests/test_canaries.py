"""What one caller says is told to nobody else, and what is private to nobody at all; over a store in memory."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest
from handoff.directory import DIRECTORY
from handoff.testing import make_intent, memory_store
from prometheus_client import REGISTRY, generate_latest
from worker import hearing
from worker.agent import CallAgent
from worker.canary_testing import CANARY, Canary, Crowd
from worker.observe import Metrics
from worker.run import _JsonLines
from worker.service import Service
from worker.testing import PaperService, paper_service

CALLERS = [Canary(number) for number in range(12)]


@pytest.fixture
def services(tmp_path: Path) -> dict[str, Service]:
    """All five, of paper; their greetings say whatever they are told."""
    paper: dict[str, Service] = {}
    for name in DIRECTORY:
        home = tmp_path / name
        home.mkdir()
        told = (
            "Hello {display_name}. It is {invoice_number}. It is {product}. It is {company_size}. It is {postal_code}."
        )
        paper_service(home, greeting_handoff=told, greeting_return=f"{told} It is {{identity_capability}}.")
        paper[name] = PaperService(name, CallAgent, home=home)
    return paper


async def test_no_word_of_a_caller_is_told_to_another_calls_agent_or_to_a_log(
    services: dict[str, Service], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a sentence means is not asked here, and the classifier would take most of the time.
    monkeypatch.setattr(hearing.understanding, "find_intents", lambda text: (make_intent(),))
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(_JsonLines())
    logging.getLogger().addHandler(handler)
    metrics = Metrics("billing", active=lambda: 3, capacity=lambda: 10)
    crowd = Crowd(memory_store(), services)
    try:
        with caplog.at_level(logging.DEBUG):
            await crowd.call_all(CALLERS)
            metrics.job_answered("accepted")
    finally:
        logging.getLogger().removeHandler(handler)
    assert len({seen.caller for seen in crowd.seen}) == len(CALLERS)
    assert sum(bool(CANARY.search(seen.text)) for seen in crowd.seen) > 10 * len(CALLERS), "nobody was told anything"
    assert crowd.wrong_sightings() == []
    written = lines.getvalue() + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "offer accepted" in written
    exported = generate_latest(metrics.registry).decode() + generate_latest(REGISTRY).decode()
    for where in (written, exported):
        assert not CANARY.search(where)
        assert not any(secret in where for caller in CALLERS[::50] for secret in (caller.card, caller.phone))


def test_the_test_sees_what_should_not_be_seen(services: dict[str, Service]) -> None:
    mine, theirs = CALLERS[:2]
    crowd = Crowd(memory_store(), services)
    for text in (theirs.word("turn"), mine.card, f"zip {mine.postal_code}", mine.word("cap"), mine.word("companysize")):
        crowd._saw(mine, "billing", "prompt", f"It is {text}.")
    crowd._saw(mine, "billing", "prompt", f"It is {mine.word('invoicenumber')}.")
    assert [what for _, _, what in crowd.wrong_sightings()] == [
        "prompt: another caller's words",
        "prompt: something private",
        "prompt: something private",
        "prompt: something private",
        "prompt: company_size, which it does not receive",
    ]
