"""A job that is sent to call a human answers no caller; one that cannot know whom to call leaves at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from worker.humans.put_through import put_through
from worker.job import answer
from worker.settings import Phone
from worker.testing.text_call import make_settings

TOLD = {"telephone": "1", "call_id": "call-1", "handoff_id": "d1", "agent_id": "human-1"}


class Job:
    """A JobContext, as far as a switchboard goes before it has begun."""

    def __init__(self, **attributes: str) -> None:
        self.job = SimpleNamespace(attributes=attributes, room=SimpleNamespace(name="consult-human-1"))
        self.left: list[str] = []

    async def connect(self, **_: Any) -> None: ...

    def shutdown(self, reason: str) -> None:
        self.left.append(reason)


async def test_a_telephone_that_this_worker_does_not_have_is_called_by_nobody() -> None:
    job: Any = Job()
    nothing: Any = None
    await put_through(job, nothing, make_settings(desk_phones=(Phone("+15550100001"),)), TOLD)
    assert job.left == ["no such telephone"]


async def test_a_job_that_is_told_of_a_telephone_answers_no_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[dict[str, str]] = []

    async def put(ctx: Any, service: Any, settings: Any, told: dict[str, str]) -> None:
        called.append(dict(told))

    monkeypatch.setattr(answer, "put_through", put)
    job: Any = Job(**TOLD)
    nothing: Any = None
    await answer.answer(job, nothing, make_settings())
    assert called == [TOLD]
