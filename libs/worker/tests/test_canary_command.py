"""`python -m worker.canary`: what it prints, and by which exit code a script knows how a canary stands."""

from __future__ import annotations

import json
import re

import pytest
from handoff.testing import memory_store
from worker import canary as canary_command
from worker.canary import command, main


async def failed(store: object, times: int) -> None:
    for _ in range(times):
        await store.count_canary("billing", version="2.0", is_spoken=False)  # type: ignore[attr-defined]


async def test_it_tells_how_a_canary_stands_in_words_and_by_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    store = memory_store()
    codes = [await command(store, "show", "billing")]
    await store.note_canary("billing", version="2.0", weight=10, seconds=60)
    codes.append(await command(store, "show", "billing"))
    await failed(store, 3)
    codes.append(await command(store, "show", "billing"))
    codes.append(await command(store, "reset", "billing"))
    await store.note_canary("billing", version="2.0", weight=10, seconds=0)
    codes.append(await command(store, "show", "billing"))
    assert codes == [1, 0, 3, 0, 1]
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [
        "billing has no canary",
        "the canary of billing, version 2.0, gets 10 %; 0 of its handoffs were spoken, 0 failed",
    ]
    assert re.fullmatch(
        r"the canary of billing, version 2\.0, is stopped since \d{4}-\S+: 3 of the last 3 handoffs failed; 0 of .+, 3 failed",
        printed[2],
    )
    assert printed[3].startswith("the canary of billing, version 2.0, gets 10 %")
    assert printed[4].startswith("the canary of billing, version 2.0, is away")


async def test_it_stops_a_canary_for_a_reason_and_tells_scripts_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    store = memory_store()
    assert await command(store, "stop", "billing") == 1, "there is none"
    await store.note_canary("billing", version="2.0", weight=10, seconds=60)
    assert await command(store, "stop", "billing", why="says Sally to everybody", as_json=True) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["version"], told["weight"], told["share"], told["why"]) == ("2.0", 10, 0, "says Sally to everybody")


@pytest.mark.parametrize(
    "arguments", [["show"], ["show", "accounting"], ["start", "billing"], ["stop", "billing", "--why", "x\ny"]]
)
def test_wrong_use_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("url", "why"), [("", "REDIS_URL is not set"), ("http://redis", "REDIS_URL must start with redis://")]
)
def test_it_needs_no_setting_but_the_store_s(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, why: str
) -> None:
    monkeypatch.setattr("os.environ", {"REDIS_URL": url})
    assert main(["show", "billing"]) == canary_command.UNUSABLE
    assert why in capsys.readouterr().err
