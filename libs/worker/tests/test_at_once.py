"""What is shorter than the way to a thread is done where it is asked for."""

from __future__ import annotations

import asyncio
import threading

import pytest
from worker.speech.at_once import AtOnce


async def test_a_loop_gets_the_result_without_another_thread() -> None:
    where = await asyncio.get_running_loop().run_in_executor(AtOnce(), threading.get_ident)
    assert where == threading.get_ident()


async def test_what_goes_wrong_is_raised_where_the_result_is_wanted() -> None:
    def fails() -> None:
        raise ValueError("not an even number")

    with pytest.raises(ValueError, match="even"):
        await asyncio.get_running_loop().run_in_executor(AtOnce(), fails)
