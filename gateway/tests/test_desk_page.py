"""What the desk's page does when its caller goes, or its line: the page's own scripts, run by node without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HARNESS = Path(__file__).with_name("desk_page.mjs")
PAGES = Path(__file__).parents[1] / "pages"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


@dataclass(frozen=True, slots=True)
class Page:
    """Of a human who talked with a caller: what it asked of the gateway since then besides heartbeats, and what it shows."""

    asked: list[tuple[str, dict[str, Any]]]
    state: str
    status: str


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages' scripts, as modules to node."""
    folder = tmp_path_factory.mktemp("pages")
    for script in PAGES.glob("*.js"):
        shutil.copy(script, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def page(scripts: Path, *steps: str) -> Page:
    """Steps are what happens (see the harness), and seconds that pass."""
    assert NODE is not None
    done = subprocess.run([NODE, HARNESS, scripts, *steps], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return Page([(what, body) for what, body in told["asked"] if what != "beat"], told["state"], told["status"])


HUNG_UP = [("end", {"seat": "the seat", "caller_left": True})]


def test_a_caller_who_does_not_come_back_has_hung_up(scripts: Path) -> None:
    waiting = page(scripts, "caller_leaves", "4.9")
    assert (waiting.asked, waiting.state) == ([], "talking")
    ended = page(scripts, "caller_leaves", "5.1")
    assert ended.asked == HUNG_UP
    assert (ended.state, ended.status) == ("idle", "The caller has hung up.")


def test_a_caller_who_comes_back_in_time_goes_on(scripts: Path) -> None:
    assert page(scripts, "caller_leaves", "4", "caller_is_back", "60").asked == []


def test_a_room_that_livekit_closes_first_is_a_caller_who_has_hung_up(scripts: Path) -> None:
    """It is closed some seconds after its last caller left, by LiveKit's own setting: of the two one is first."""
    ended = page(scripts, "caller_leaves", "4.5", "room_is_closed", "1")
    assert ended.asked == HUNG_UP
    assert (ended.state, ended.status) == ("idle", "The caller has hung up.")


def test_a_line_that_is_cut_leaves_the_call_to_another_agent(scripts: Path) -> None:
    cut = page(scripts, "line_is_cut", "10")
    assert cut.asked == [("leave", {"seat": "the seat"})]
    assert cut.state == "idle"


def test_a_call_that_could_not_be_ended_and_whose_room_is_closed_is_not_kept(scripts: Path) -> None:
    left = page(scripts, "store_is_away", "caller_leaves", "5.1", "room_is_closed", "10")
    assert [what for what, _ in left.asked] == ["end", "end", "leave"]
    assert left.state == "idle"
