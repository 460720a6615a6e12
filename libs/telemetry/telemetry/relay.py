"""A job's observations on their way to its main process, which Prometheus asks: one line each, over a socket of this machine.

A job process may be killed at any moment: what it had observed is in the socket then, or with the main process already. prometheus_client's
own way for many processes keeps a file for each process that ever lived, and has no exemplars (docs/adr/0014).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from telemetry.measure import Sink

log = logging.getLogger("voicemesh.metrics")

_LONGEST_LINE = 2048
_MAX_WAITING = 64 * 1024
"""Bytes that wait in a job while its main process is too busy to read, beside some 200 KB in the socket: about 1500 observations."""
Lost = Callable[[int], None]


def new_address() -> str:
    """Where a main process will listen: a name of Linux's own, else a file in the temporary folder."""
    name = f"voicemesh-{os.getpid()}-{secrets.token_hex(8)}"
    return f"\0{name}" if sys.platform == "linux" else str(Path(tempfile.gettempdir()) / name)


class Sender:
    """The sink of a job. Never blocks: what there is no room for is counted, and told with the next line that finds some."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._waiting = bytearray()
        self._lost = 0

    def take(self, name: str, value: float, labels: Mapping[str, str], call_id: str) -> None:
        """As Sink says."""
        message = {"name": name, "value": value, "labels": dict(labels), "call_id": call_id}
        if self._lost:
            message["lost"] = self._lost
        line = json.dumps(message).encode() + b"\n"
        if len(self._waiting) + len(line) > _MAX_WAITING:
            self._lost += 1
        else:
            self._waiting += line
            self._lost = 0
        self._send()

    def _send(self) -> None:
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._socket.setblocking(False)
                self._socket.connect(self._address)
            while self._waiting:
                del self._waiting[: self._socket.send(self._waiting)]
        except BlockingIOError:
            pass  # with the next one
        except OSError:  # the main process is gone, or does not listen yet
            self.close()

    def close(self) -> None:
        """No more observations."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Receiver(asyncio.Protocol):
    """One job's line: puts what it sends into ``sink``. ``lost`` is told how many observations the job had no room for."""

    def __init__(self, sink: Sink, *, lost: Lost = lambda count: None) -> None:
        self._sink = sink
        self._lost = lost
        self._rest = b""

    @classmethod
    async def listen(cls, address: str, sink: Sink, *, lost: Lost = lambda count: None) -> asyncio.Server:
        """Bound and listening; ``close()`` of what it returns ends it. Raises OSError."""
        return await asyncio.get_running_loop().create_unix_server(lambda: cls(sink, lost=lost), path=address)

    def data_received(self, data: bytes) -> None:
        """Nonsense is left out: any process of this machine can write here."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""

    def _line(self, line: bytes) -> None:
        try:
            message = json.loads(line[:_LONGEST_LINE])
            labels = {str(label): str(value) for label, value in dict(message["labels"]).items()}
            name, value = str(message["name"]), float(message["value"])
            call_id, lost = str(message.get("call_id", "")), int(message.get("lost", 0))
        except (ValueError, KeyError, TypeError):
            log.warning("a line that is no observation was left out")
            return
        self._sink.take(name, value, labels, call_id)
        if lost > 0:
            self._lost(lost)
