"""Cuts the sound between a worker and LiveKit's server, both ways: its UDP, which no proxy can stand in the way of, for each side tells
the other where it listens.

Nobody has to be root for it, and no firewall is touched: each socket gets a filter of the kernel's (SO_ATTACH_FILTER) that throws away
what comes in. A socket of another process is reached by pidfd_getfd, which Linux grants to whoever may trace that process, as a parent
mostly may; a container's rules often forbid it.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress

import psutil

from local.chaos.processes import NotPossible, NotThere

_PIDFD_GETFD = 438
_ATTACH_FILTER, _DETACH_FILTER = 26, 27
"""SO_ATTACH_FILTER and SO_DETACH_FILTER: Python has no names for them."""
_LOAD_SOURCE_PORT, _IS_IT, _RETURN = 0x28, 0x15, 0x06
"""Codes of the classic packet filter. Of a UDP socket it sees the packet from the UDP header on, whose first two bytes are the source
port."""
_WHOLE = 0xFFFFFFFF


class SoundCut:
    """Whole again after ``mend``."""

    def __init__(self, filtered: list[socket.socket]) -> None:
        self._filtered = filtered

    @classmethod
    def between(cls, worker: int, server: int) -> SoundCut:
        """``worker`` and ``server`` are process ids; a worker's jobs are its children. What is on its way arrives. Raises NotThere
        when nobody of the worker's is connected, NotPossible where the system does not let us."""
        ours = psutil.Process(worker)
        theirs, jobs = list(_udp(psutil.Process(server))), [ours, *ours.children(recursive=True)]
        sockets = [(job.pid, number, port) for job in jobs for number, port in _udp(job)]
        if not sockets:
            raise NotThere("no agent of the worker is connected to LiveKit")
        if not theirs:
            raise NotPossible("LiveKit's server is no process whose sockets can be reached")
        cut = cls([])
        try:
            for number, _ in theirs:
                cut._filter(server, number, deaf_to({port for _, _, port in sockets}))
            for job, number, _ in sockets:
                cut._filter(job, number, deaf_to_all())
        except OSError as error:
            cut.mend()
            raise NotPossible(f"the system does not let us reach another process's socket: {error}") from error
        return cut

    def mend(self) -> None:
        """What is sent from now on arrives; what was sent meanwhile is lost."""
        while self._filtered:
            with self._filtered.pop() as one, suppress(OSError):  # two processes may have had the same one
                one.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)

    def _filter(self, process: int, number: int, program: bytes) -> None:
        one = _socket_of(process, number)
        code = ctypes.create_string_buffer(program, len(program))
        # struct sock_fprog: how many instructions, and where they are
        asked = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
        try:
            one.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, asked)
        except OSError:
            one.close()
            raise
        self._filtered.append(one)


def deaf_to_all() -> bytes:
    """A filter that lets nothing in."""
    return _instruction(_RETURN)


def deaf_to(ports: Collection[int]) -> bytes:
    """A filter that lets nothing in that comes from these ports."""
    tests = [_instruction(_IS_IT, on=port, skips=len(ports) - at) for at, port in enumerate(sorted(ports))]
    return b"".join([_instruction(_LOAD_SOURCE_PORT), *tests, _instruction(_RETURN, on=_WHOLE), deaf_to_all()])


def _instruction(code: int, *, on: int = 0, skips: int = 0) -> bytes:
    """struct sock_filter; ``skips`` so many instructions when a test holds."""
    return struct.pack("HBBI", code, skips, 0, on)


def _udp(process: psutil.Process) -> Iterator[tuple[int, int]]:
    """Number and port of each of its UDP sockets."""
    try:
        for one in process.net_connections("udp"):
            if one.laddr:
                yield one.fd, one.laddr.port
    except psutil.Error:
        return  # it has ended, or is somebody else's


def _socket_of(process: int, number: int) -> socket.socket:
    """That process's own socket, a second time. Raises OSError."""
    if sys.platform != "linux":
        raise OSError("only Linux hands over a socket")
    handle = os.pidfd_open(process)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        arguments = (ctypes.c_long(each) for each in (_PIDFD_GETFD, handle, number, 0))
        found = libc.syscall(*arguments)
        if found < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(handle)
    return socket.socket(fileno=found)
