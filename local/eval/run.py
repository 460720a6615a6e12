"""Plays many conversations, a few side by side, and judges each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.eval.conversation import Conversation
from local.eval.evidence import Evidence
from local.eval.house import House
from local.eval.judge import judge
from local.eval.player import play
from local.eval.results import Result

_SIDE_BY_SIDE = 4
"""More would not be faster: an agent waits for tools and for the moments in which a call ends, the rest is this process's work."""


async def run(
    conversations: Sequence[Conversation],
    folder: Path,
    *,
    model: Mapping[str, Any] | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """All results, in the order of ``conversations``; ``on_result`` is told of each as it comes. Databases lie in ``folder``.

    ``model``: settings of a language model's server (``openai_base_url``, ...); without them the playbook answers.
    """
    places = asyncio.Semaphore(_SIDE_BY_SIDE)
    async with House(folder, model=model) as house:

        async def one(conversation: Conversation) -> Result:
            async with places:
                result = await _played(conversation, house)
            on_result(result)
            return result

        async with asyncio.TaskGroup() as playing:
            tasks = [playing.create_task(one(conversation)) for conversation in conversations]
    return [task.result() for task in tasks]


async def _played(conversation: Conversation, house: House) -> Result:
    began_at = time.monotonic()
    try:
        evidence = await play(conversation, house)
    except Exception as e:  # noqa: BLE001 - one conversation that breaks must not take the others with it
        evidence = Evidence(
            problems=(f"the conversation broke: {type(e).__name__}: {e}",), seconds=time.monotonic() - began_at
        )
    return Result(conversation, evidence, tuple(judge(conversation, evidence)))
