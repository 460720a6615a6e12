"""The shipped callers, all on one mesh: who is played on which line, and what a person is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.caller import Script, ScriptError
from local.caller.shipped import shipped
from local.console import Console
from local.shipped import Played, command


def test_nobody_named_means_everybody_on_each_line() -> None:
    scripts = command.scripts_of((), ("web", "phone"))
    assert len(scripts) == 2 * len(shipped())
    assert {script.channel for script in scripts} == {"web", "phone"}


def test_who_is_named_is_played_on_the_lines_that_are_named() -> None:
    (script,) = command.scripts_of(("mumbled",), ("phone",))
    assert (script.path.stem, script.channel) == ("mumbled", "phone")


def test_a_caller_that_is_not_there_is_an_error_that_names_him() -> None:
    with pytest.raises(ScriptError, match="nobody_of_that_name"):
        command.scripts_of(("nobody_of_that_name",), ("web",))


class PaperCalls:
    """Calls that are never placed: those by telephone go wrong."""

    def __init__(self, mesh: Any, folder: Path) -> None:
        self.folder = folder

    async def play(self, script: Script, *, name: str) -> Played:
        failures = ("a listener did not hear /RF/",) if script.channel == "phone" else ()
        return Played(script, self.folder / name, failures, gaps_ms=(150,), response_ms=1240.0)


@asynccontextmanager
async def paper_mesh() -> AsyncIterator[Any]:
    class Mesh:
        ready_after_seconds = 4.8

    yield Mesh()


async def test_each_call_is_told_and_one_that_goes_wrong_makes_the_whole_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ShippedCalls", PaperCalls)
    scripts = command.scripts_of(("mumbled",), ("web", "phone"))
    code = await command.calls(Console(), tmp_path, scripts, times=2, new_mesh=paper_mesh)  # type: ignore[arg-type]
    told = capsys.readouterr()
    assert code == 1
    assert "2/4 FAILED mumbled-phone-1" in told.out
    assert "3/4 ok     mumbled-web-2, answers 1240 ms, handoffs 150 ms" in told.out
    assert told.out.splitlines()[-1].startswith("2 of 4 calls went as their scripts expect")
    assert told.err.count("a listener did not hear /RF/") == 2


async def test_when_all_goes_well_the_command_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ShippedCalls", PaperCalls)
    scripts = command.scripts_of(("mumbled",), ("web",))
    assert await command.calls(Console(), tmp_path, scripts, times=1, new_mesh=paper_mesh) == 0  # type: ignore[arg-type]
