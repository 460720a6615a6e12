"""What the mesh's processes tell of themselves: their asyncio tasks, where a release of them does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import aiohttp

_TASKS = re.compile(r"^voicemesh_tasks(?:\{[^}]*\})? ([0-9.e+]+)", re.MULTILINE)
_SECONDS = 5.0


def parse_tasks(text: str) -> int | None:
    """The gauge voicemesh_tasks of a page of metrics; None when it has none."""
    found = _TASKS.findall(text)
    return round(sum(map(float, found))) if found else None


async def tasks_of(urls: Mapping[str, str]) -> dict[str, int]:
    """By process; those that do not tell, or do not answer, are left out."""

    async def ask(name: str, url: str) -> tuple[str, int | None]:
        try:
            async with session.get(url) as answer:
                return name, parse_tasks(await answer.text())
        except (aiohttp.ClientError, TimeoutError, UnicodeError):
            return name, None

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
        told = await asyncio.gather(*(ask(name, url) for name, url in urls.items()))
    return {name: count for name, count in told if count is not None}
