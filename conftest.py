"""For every tier. A unit test that reaches for the network fails at once, and says so."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest

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


def _refuse(address: Any) -> NoReturn:
    pytest.fail(f"a unit test must not use the network (it wanted {address}); such tests belong in tests/integration")
