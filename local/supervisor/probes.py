"""Asking a process whether it is ready. A probe returns "" when it is, else why not, in a few words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import aiohttp

Probe = Callable[[], Awaitable[str]]

_ASK_SECONDS = 2.0
"""How long one question may take; a process that is busy loading is asked again."""


def http_ok(url: str) -> Probe:
    """Ready when GET answers 200; a JSON body's ``reason`` is passed on."""

    async def ask() -> str:
        timeout = aiohttp.ClientTimeout(total=_ASK_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
                if response.status == 200:
                    return ""
                return _reason(await response.text()) or f"{url} answers {response.status}"
        except TimeoutError:
            return f"{url} does not answer within {_ASK_SECONDS:g} s"
        except (aiohttp.ClientError, OSError):
            return f"nothing answers at {url} yet"

    return ask


def redis_pong(host: str, port: int) -> Probe:
    """Ready when PING is answered with PONG; a server that still loads its data says so."""

    async def ask() -> str:
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    writer.write(b"PING\r\n")
                    line = await reader.readline()
                finally:
                    writer.close()
        except TimeoutError:
            return f"{host}:{port} does not answer within {_ASK_SECONDS:g} s"
        except OSError:
            return f"nothing answers at {host}:{port} yet"
        return "" if line == b"+PONG\r\n" else f"it answers {line.decode(errors='replace').strip()!r}"

    return ask


def _reason(body: str) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("reason", "")) if isinstance(answer, dict) else ""
