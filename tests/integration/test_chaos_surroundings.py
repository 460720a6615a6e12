"""What chaos puts around a mesh before a call: a Redis that can fail over, a language model that can stall and fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from local.chaos.model import Model
from local.chaos.replica import Replica
from local.supervisor.mesh import Mesh

HOURS = [{"role": "user", "content": "What are your opening hours?"}]
NO = [*HOURS, {"role": "assistant", "content": "Anything else?"}, {"role": "user", "content": "No, that's all."}]
_ANSWER_SECONDS = 20.0
"""Only bounds a test that hangs."""


# --- Redis ------------------------------------------------------------------------------------------------------------
async def value(mesh: Mesh) -> bytes | None:
    async with Redis.from_url(mesh.redis_url) as client:
        found: bytes | None = await client.get("what")
        return found


async def test_a_replica_takes_the_masters_place_and_gives_it_back_with_all_that_was_written(tmp_path: Path) -> None:
    async with Mesh(tmp_path, services=(), without=("livekit", "speech")) as mesh:
        async with Redis.from_url(mesh.redis_url) as client:
            await client.set("what", "before")
        replica = await Replica.of(mesh)
        mesh.process("redis").kill()
        await mesh.process("redis").wait_exit()
        await replica.take_over()
        assert await value(mesh) == b"before"
        async with Redis.from_url(mesh.redis_url) as client:
            await client.set("what", "after")
        await replica.give_back()
        assert mesh.process("redis").is_alive
        assert await value(mesh) == b"after"
        async with Redis.from_url(mesh.redis_url) as client:
            assert (await client.info("replication"))["role"] == "master"


async def test_a_replica_that_was_not_needed_leaves_the_master_alone(tmp_path: Path) -> None:
    async with Mesh(tmp_path, services=(), without=("livekit", "speech")) as mesh:
        async with Redis.from_url(mesh.redis_url) as client:
            await client.set("what", "before")
        replica = await Replica.of(mesh)
        await replica.give_back()
        assert await value(mesh) == b"before"


# --- the language model -----------------------------------------------------------------------------------------------
@pytest.fixture
async def model() -> AsyncIterator[Model]:
    model = Model()
    await model.serve()
    yield model
    await model.close()


async def answer(model: Model, messages: list[dict[str, str]]) -> str:
    url = f"{model.base_url}/chat/completions"
    async with (
        asyncio.timeout(_ANSWER_SECONDS),
        aiohttp.ClientSession() as session,
        session.post(url, json={"messages": messages}) as reply,
    ):
        return await reply.text()


async def test_a_question_is_answered_and_a_no_ends_the_call(model: Model) -> None:
    hours, no = await answer(model, HOURS), await answer(model, NO)
    assert "anything else" in hours
    assert "end_call" not in hours
    assert "end_call" in no
    assert "Goodbye" in no


async def test_a_model_that_stalls_takes_the_question_and_answers_when_it_goes_on(model: Model) -> None:
    model.stall()
    waiting = asyncio.create_task(answer(model, HOURS))
    async with asyncio.timeout(_ANSWER_SECONDS):
        while not model.left_waiting:
            await asyncio.sleep(0.01)
    assert not waiting.done()
    model.go_on()
    assert "anything else" in await waiting


async def test_a_model_that_fails_says_so_at_once_and_answers_when_it_goes_on(model: Model) -> None:
    model.fail()
    assert "overloaded" in await answer(model, HOURS)
    assert model.refused == 1
    model.go_on()
    assert "anything else" in await answer(model, HOURS)
