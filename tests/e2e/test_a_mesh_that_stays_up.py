"""`make up`, `make call`, `make restart`, `make status`, `make down`, as a person uses them: a worker is deployed while somebody is on the line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.caller import load_script, render
from local.caller.shipped import FOLDER
from local.chaos.replies import Replies, as_script, reply
from local.settings import LocalSettings
from local.supervisor.mesh import SERVICES
from local.supervisor.ports import Ports
from local.up.running import Running, found
from tests.e2e.browser import PageCaller, browser, needs_a_browser

pytestmark = pytest.mark.timeout(600)

_UP_SECONDS = 300.0
_RESTART_SECONDS = 240.0
_SOON_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class House:
    """A mesh that stays up, and the commands to it."""

    root: Path
    run_dir: Path

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "local", *words, "--run-dir", str(self.run_dir)]

    def asked(self, *words: str, seconds: float = _SOON_SECONDS) -> tuple[int, str]:
        """Exit code and output. A command that takes too long is told to stop, and with it what it has begun."""
        with self.begun(*words) as asked:
            try:
                printed, _ = asked.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                asked.terminate()
                printed, _ = asked.communicate(timeout=_SOON_SECONDS)
                raise AssertionError(f"{words[0]} was not over after {seconds:g} s:\n{printed}") from None
        return asked.returncode, printed

    @contextmanager
    def begun(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """The same while it goes on."""
        with subprocess.Popen(
            self.command(*words), cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as started:
            try:
                yield started
            finally:
                if started.poll() is None:
                    started.kill()

    @property
    def running(self) -> Running:
        mesh = found(self.run_dir)
        assert mesh is not None, "no mesh is up"
        return mesh


@pytest.fixture(scope="module")
def house(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house, ports = House(repo_root, tmp_path_factory.mktemp("stays") / "up"), Ports()
    code, printed = house.asked("up", "--port", f"gateway={(door := ports.pick())}", seconds=_UP_SECONDS)
    ports.release()
    try:
        assert code == 0, printed
        assert f"http://127.0.0.1:{door}/" in printed
        yield house
    finally:
        if found(house.run_dir) is not None:
            house.asked("down")


def daniel() -> Replies:
    """A customer who was charged twice, other than the one in whose name the recorded callers call."""
    return Replies(
        "Hi, I was charged twice for my March invoice.",
        (
            reply("account (ID|number)", "My account ID is A, C, six, one, zero, two."),
            reply("zip code", "Nine, eight, zero, five, two."),
        ),
    )


class TestAtItsPage:
    pytestmark = needs_a_browser

    async def test_a_caller_gets_his_refund(self, house: House) -> None:
        """From the button to the refund, on the mesh that everybody starts: all five services."""
        running, replies = house.running, daniel()
        lines = as_script(replies.every_line, like=load_script(FOLDER / "duplicate_charge.yaml"))
        cache_dir = LocalSettings.from_env().cache_dir
        audio = await render(lines, speech_url=running.speech_url, cache_dir=cache_dir)
        voice = {words: audio[index] for index, words in enumerate(replies.every_line)}
        async with browser() as chrome:
            caller = await PageCaller.at(chrome, running.page_url, replies, voice)
            await caller.press("Start the call")
            await caller.talk(until="Goodbye", within_seconds=240)
            heard, told = await caller.heard(), await caller.page.inner_text("#captions")
            await caller.comes_to("ended")
        assert "reference is RF" in heard.replace("R F", "RF")
        assert "You are now talking to: Billing specialist" in told
        assert caller.problems == []


def called(house: House, name: str, *, when: str, act: Callable[[], None]) -> tuple[int, str]:
    """Exit code and output of `make call`; ``act`` is done once, as soon as a line of it has ``when``."""
    lines, is_due = list[str](), True
    with house.begun("call", name) as calling:
        assert calling.stdout is not None
        for line in calling.stdout:
            lines.append(line)
            if is_due and when in line:
                is_due = False
                act()
        calling.wait(_SOON_SECONDS)
    printed = "".join(lines)
    assert not is_due, printed
    return calling.returncode, printed


def reported(printed: str) -> dict[str, Any]:
    """The report that the call has left where it says."""
    page = Path(printed.partition("to look at and listen to: ")[2].splitlines()[0])
    assert page.is_file()
    report: dict[str, Any] = json.loads((page.parent / "report.json").read_text())
    return report


@pytest.mark.parametrize(
    ("service", "caller", "when"),
    [
        # Its twin needs some seconds until it can take calls: by then triage hands the call over, or has just done so.
        ("billing", "duplicate_charge", "triage  Thanks for calling"),
        ("technical", "technical_crash", "technical  "),
    ],
)
def test_a_worker_is_restarted_under_a_live_call_that_ends_as_its_script_expects(
    house: House, service: str, caller: str, when: str
) -> None:
    restarts = list[subprocess.Popen[str]]()

    def restart() -> None:
        command = house.command("restart", service)
        restarts.append(subprocess.Popen(command, cwd=house.root, stdout=subprocess.PIPE, text=True))

    before = pids(house)[service]
    code, printed = called(house, caller, when=when, act=restart)
    told, _ = restarts[0].communicate(timeout=_RESTART_SECONDS)
    assert (code, restarts[0].returncode) == (0, 0), printed + told
    assert f"{service} was restarted" in told
    assert pids(house)[service] != before
    report = reported(printed)
    assert (report["outcome"], report["services"]) == ("resolved", ["triage", service])
    moves = [each for each in report["handoffs"] if each["from_service"] == each["to_service"] == service]
    assert [each for each in moves if "spoken" in each["steps"]], "the call was over before anybody drained"
    assert "cut off" not in " ".join(turn["text"] for turn in report["turns"]), "nobody was lost"


def pids(house: House) -> dict[str, str]:
    """Process ids by name, as `make status` tells them."""
    _, printed = house.asked("status")
    rows = [line.split() for line in printed.splitlines()[1:] if len(line.split()) >= 3]
    return {row[0]: row[1] for row in rows if row[1].isdecimal()}


def test_status_says_that_all_is_well_and_shows_no_worker_that_only_helped_out(house: House) -> None:
    code, printed = house.asked("status")
    assert code == 0, printed
    assert set(SERVICES) | {"redis", "livekit", "speech", "ledger", "gateway"} <= pids(house).keys()
    assert ".2" not in "".join(pids(house))


def test_a_second_restart_and_a_wrong_name_are_refused_and_harm_nothing(house: House) -> None:
    with house.begun("restart", "billing") as first:

        def is_at_it() -> bool:
            return any("restarting" in line for line in house.asked("status")[1].splitlines())

        while not is_at_it():
            assert first.poll() is None, "it is over"
        code, printed = house.asked("restart", "billing")
        assert first.wait(_RESTART_SECONDS) == 0
    assert code == 1
    assert "billing is being restarted already" in printed
    code, printed = house.asked("restart", "biling")
    assert code == 1
    assert "there is no process biling" in printed
    assert "there are redis" in printed
    assert house.asked("status")[0] == 0


def test_a_caller_who_does_not_exist_is_told_and_the_mesh_stays_up(house: House) -> None:
    code, printed = house.asked("call", "nobody")
    assert code == 2
    assert "make demo LIST=1" in printed
    code, printed = house.asked("up")
    assert (code, "a mesh is up already" in printed) == (0, True)


def doctor(house: House) -> tuple[int, dict[str, Any]]:
    """Exit code, and what each check says, by its name."""
    asked = [sys.executable, "-m", "tools.doctor", "--run-dir", str(house.run_dir), "--json"]
    done = subprocess.run(asked, cwd=house.root, stdout=subprocess.PIPE, text=True, timeout=_SOON_SECONDS)
    return done.returncode, {check["check"]: check for check in json.loads(done.stdout)["checks"]}


def test_doctor_has_nothing_to_say_of_it_and_finds_a_worker_that_is_frozen(house: House) -> None:
    code, found_ = doctor(house)
    assert (code, [check for check in found_.values() if check["troubles"]]) == (0, [])
    well = {name for name, check in found_.items() if check["verdict"] == "ok"}
    assert well >= {"services.workers", "services.grpc", "services.offices", "databases.offices", "livekit.version"}
    _, table = house.asked("status")
    sales = psutil.Process(int(re.findall(r"^sales +(\d+)", table, re.MULTILINE)[0]))
    sales.suspend()
    try:
        code, found_ = doctor(house)
    finally:
        sales.resume()
    assert code == 1
    told = found_["services.grpc"]["troubles"]
    assert [each["what"] for each in told if "no worker of sales answers" in each["what"]] != []
    assert "make restart SERVICE=sales" in told[0]["mend"]


def test_down_leaves_no_process(house: House) -> None:
    keeper = psutil.Process(house.running.pid)
    processes = [keeper, *keeper.children(recursive=True)]
    assert len(processes) > len(SERVICES)
    code, printed = house.asked("down")
    assert (code, found(house.run_dir)) == (0, None), printed
    assert [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    code, printed = house.asked("status")
    assert code == 1
    assert "make up" in printed
