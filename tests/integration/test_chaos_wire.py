"""A wire that is cut lets nothing through and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from local.chaos.wire import Wire

HOST = "127.0.0.1"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """To a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    made = await Wire.to(server.sockets[0].getsockname()[1])
    yield made
    await made.close()
    server.close()


async def test_what_is_said_into_a_whole_wire_comes_back(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection(HOST, wire.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_a_cut_wire_lets_nothing_through_until_it_is_mended(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection(HOST, wire.port)
    writer.write(b"a")
    await reader.readexactly(1)
    wire.cut()
    writer.write(b"b")
    answer = asyncio.ensure_future(reader.readexactly(1))
    done, _ = await asyncio.wait({answer}, timeout=0.2)
    assert not done
    wire.mend()
    assert await answer == b"b"
    writer.close()


async def test_who_connects_while_it_is_cut_waits(wire: Wire) -> None:
    wire.cut()
    reader, writer = await asyncio.open_connection(HOST, wire.port)
    writer.write(b"c")
    answer = asyncio.ensure_future(reader.readexactly(1))
    done, _ = await asyncio.wait({answer}, timeout=0.2)
    assert not done
    wire.mend()
    assert await answer == b"c"
    writer.close()
