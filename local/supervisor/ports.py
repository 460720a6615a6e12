"""Free ports on loopback, and who holds one that is not free.

A port found free may be taken by another run before its process listens. So each is also claimed machine-wide by an
abstract Unix socket of that name, which the kernel frees when its owner ends, however it ends; and all come from below
the range that outgoing connections use.
"""

from __future__ import annotations

import random
import socket
import sys

import psutil

from local.supervisor.errors import PortTaken

_LOWEST, _HIGHEST = 20000, 31999
HOST = "127.0.0.1"


class Ports:
    """Hands out ports for one run; ``release`` gives them all back. Linux claims them machine-wide, elsewhere they are
    only checked."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def pick(self, *, udp: bool = False) -> int:
        """A port nobody listens on; ``udp`` when datagrams will be received there. Raises PortTaken when none is left."""
        for port in random.sample(range(_LOWEST, _HIGHEST + 1), 2000):
            if self._claim(port):
                if is_free(port, udp=udp):
                    return port
                self._claims.pop().close()
        raise PortTaken(f"no free port between {_LOWEST} and {_HIGHEST} on {HOST}", advice="stop what is running there")

    def want(self, port: int, *, name: str, udp: bool = False) -> int:
        """The port that a person asked for. Raises PortTaken, naming its holder."""
        if not is_free(port, udp=udp):
            raise PortTaken(
                f"port {port} for {name} is in use{_by_whom(port)}",
                advice="stop that process, or leave the port to us: without it a free one is picked",
            )
        self._claim(port)
        return port

    def release(self) -> None:
        """Gives back every claim."""
        while self._claims:
            self._claims.pop().close()

    def _claim(self, port: int) -> bool:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if sys.platform == "linux":
            try:
                claim.bind(f"\0voice-mesh-port-{port}")
            except OSError:
                claim.close()
                return False
        self._claims.append(claim)
        return True


def is_free(port: int, *, udp: bool = False) -> bool:
    """Whether a server could listen on the port now."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM) if udp else (socket.SOCK_STREAM,)
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as probe:
            # As servers do: a port in TIME_WAIT is free to listen on.
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                if kind is socket.SOCK_STREAM:
                    probe.listen(1)
            except OSError:
                return False
    return True


def _by_whom(port: int) -> str:
    """`` by NAME (process 123)`` where the system tells, else nothing."""
    try:
        for connection in psutil.net_connections("inet"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return ""
