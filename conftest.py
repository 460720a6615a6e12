"""For every tier: a unit test that reaches for the network fails at once, and says so; one that cannot be timed out ends its run."""

from __future__ import annotations

import faulthandler
import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# No test is about how fast this machine is.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

_STDERR = pytest.StashKey[int]()
TIDY_SECONDS = 60.0
_REAL = Path(__file__).parent / "tests"
"""Tests in here may use real things; those beside the code may not."""


@pytest.fixture(autouse=True)
def no_network_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unix sockets stay: event loops wake themselves through them."""
    if request.path.is_relative_to(_REAL):
        return
    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            _refuse(address)
        real_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> NoReturn:
        _refuse(address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)


def pytest_collection_finish() -> None:
    """What was imported stays to the end: a collector that need not look through it saves a unit tier a sixth of its time."""
    gc.collect()
    gc.freeze()


def _refuse(address: Any) -> NoReturn:
    pytest.fail(f"a unit test must not use the network (it wanted {address}); such tests belong in tests/integration")


def pytest_configure(config: pytest.Config) -> None:
    """While a test runs, what is written to stderr is kept from sight, and would end with the process."""
    config.stash[_STDERR] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test's time-out interrupts it once. One whose loop swallows that, or that hangs again as it is torn down, would hang for ever:
    its process prints where it stands and ends."""
    marker = item.get_closest_marker("timeout")
    given = item.config.getoption("--timeout") or item.config.getini("timeout")
    seconds = float(marker.args[0] if marker and marker.args else given)
    faulthandler.dump_traceback_later(2 * seconds + TIDY_SECONDS, exit=True, file=item.config.stash[_STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
