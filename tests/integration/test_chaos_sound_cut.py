"""Between two processes nothing comes through any more, either way, and nobody else's words are touched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from local.chaos.processes import NotPossible, NotThere
from local.chaos.sound_cut import SoundCut

HOST = "127.0.0.1"
WORKER = """
    import select, socket, sys

    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.connect(("127.0.0.1", int(sys.argv[1])))
    print(line.getsockname()[1], flush=True)
    while True:
        ready, _, _ = select.select([line, sys.stdin], [], [])
        if line in ready:
            print("heard", line.recv(100).decode(), flush=True)
        elif words := sys.stdin.readline().strip():
            line.send(words.encode())
            print("said", words, flush=True)
        else:
            break
"""


@dataclass
class Worker:
    """A process that sends what it is told, and tells what it hears."""

    process: subprocess.Popen[str]
    port: int

    def says(self, words: str) -> None:
        """Returns when it has sent them."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()
        assert self.tells() == f"said {words}"

    def tells(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        yield server


@pytest.fixture
def worker(server: socket.socket) -> Iterator[Worker]:
    command = (sys.executable, "-c", textwrap.dedent(WORKER), str(server.getsockname()[1]))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Worker(process, int(process.stdout.readline()))


@contextmanager
def cut(worker: Worker) -> Iterator[None]:
    """This process is the server."""
    try:
        made = SoundCut.between(worker.process.pid, os.getpid())
    except NotPossible as why:
        pytest.skip(f"this machine does not let us cut the sound: {why}")
    try:
        yield
    finally:
        made.mend()


def heard(server: socket.socket) -> str:
    return server.recv(100).decode()


def test_what_the_worker_says_meanwhile_is_lost_and_what_it_says_afterwards_arrives(
    server: socket.socket, worker: Worker
) -> None:
    worker.says("before")
    assert heard(server) == "before"
    with cut(worker):
        worker.says("meanwhile")
    worker.says("afterwards")
    assert heard(server) == "afterwards"


def test_what_is_said_to_the_worker_meanwhile_is_lost_and_what_is_said_afterwards_arrives(
    server: socket.socket, worker: Worker
) -> None:
    server.sendto(b"before", (HOST, worker.port))
    assert worker.tells() == "heard before"
    with cut(worker):
        server.sendto(b"meanwhile", (HOST, worker.port))
    server.sendto(b"afterwards", (HOST, worker.port))
    assert worker.tells() == "heard afterwards"


def test_others_are_heard_meanwhile(server: socket.socket, worker: Worker) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, cut(worker):
        worker.says("meanwhile")
        other.sendto(b"of another", server.getsockname())
        assert heard(server) == "of another"


def test_a_worker_that_has_no_call_cannot_be_cut_off() -> None:
    with (
        subprocess.Popen((sys.executable, "-c", "import sys; sys.stdin.read()"), stdin=subprocess.PIPE) as idle,
        pytest.raises(NotThere, match="no agent"),
    ):
        SoundCut.between(idle.pid, os.getpid())
