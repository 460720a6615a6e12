"""A job notices that its main process is gone."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from worker.job.orphan import when_orphaned


@dataclass
class Parent:
    """A main process as its child sees it: a pipe that ends with it."""

    sentinel: int
    end: int


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parent]:
    made = Parent(*os.pipe())
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: made)
    yield made
    os.close(made.sentinel)


async def test_it_is_told_once_when_its_main_process_is_gone(parent: Parent) -> None:
    told: list[str] = []
    gone = asyncio.Event()

    def orphaned() -> None:
        told.append("gone")
        gone.set()

    when_orphaned(orphaned)
    await asyncio.sleep(0)
    assert told == []
    os.close(parent.end)
    await gone.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert told == ["gone"]


async def test_a_process_that_belongs_to_nobody_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: None)
    when_orphaned(lambda: pytest.fail("it has no parent"))
    await asyncio.sleep(0)
