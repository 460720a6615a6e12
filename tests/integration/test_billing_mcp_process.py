"""The back office as processes: starting together, refunding together, and refusing to start."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from backoffice.app import app
from backoffice.database import Database, DatabaseUnusable
from billing_mcp.__main__ import main
from billing_mcp.seed import examples
from billing_mcp.settings import Settings
from billing_mcp.tools import make_office
from starlette.testclient import TestClient

from local.settings import LocalSettings

_PREPARE_AND_REFUND = """
import faulthandler, sys
faulthandler.dump_traceback_later(80, exit=True)  # a hang tells where
sys.path[:0] = sys.argv[3:]
from backoffice.database import Database
from backoffice.testing import Call
from billing_mcp.seed import examples
from billing_mcp.settings import Settings
from billing_mcp.tools import make_office
settings = Settings(database_url=sys.argv[1])
database = Database(settings, package="billing_mcp", seed=examples)
database.prepare()
call = Call(office=make_office(database, settings), settings=settings, call_id=sys.argv[2]).verified("AC4721")
arguments = dict(account_id="AC4721", charge_id="CH-2026-03-0417-2", amount="49.99", idempotency_key="refund")
_, answer = call("process_refund", **arguments)
print(answer["reference"], answer["already_done"])
"""


def test_processes_that_start_and_refund_at_once_make_one_schema_and_one_refund(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/billing.db"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _PREPARE_AND_REFUND, url, f"call-{n}", *sys.path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    try:
        said = [process.communicate(timeout=100) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0, 0, 0], [err for _, err in said]
    assert all("RF-20417" in out for out, _ in said)
    assert sum("False" in out for out, _ in said) == 1
    with sqlite3.connect(tmp_path / "billing.db") as rows:
        assert rows.execute("SELECT count(*) FROM refunds WHERE reference = 'RF-20417'").fetchone() == (1,)
        assert rows.execute("SELECT count(*) FROM accounts").fetchone() == (220,)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_office_that_is_told_to_stop_closes_its_database_and_ends_well(tmp_path: Path, sent: signal.Signals) -> None:
    port = _free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "billing_mcp", "--port", str(port)],
        env={**LocalSettings.from_env().inherited, "DATABASE_URL": f"sqlite:///{tmp_path}/billing.db"},
        stderr=subprocess.DEVNULL,
    ) as office:
        try:
            while office.poll() is None and not _answers(port):
                time.sleep(0.05)
            office.send_signal(sent)
            office.wait(30)
        finally:
            office.kill()
    assert office.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["billing.db"], "all of it is in one file that can be copied"


def _answers(port: int) -> bool:
    caller = HTTPConnection("127.0.0.1", port)
    try:
        caller.request("GET", "/")
        caller.getresponse()
    except OSError:
        return False
    finally:
        caller.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_second_start_keeps_what_is_there(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/billing.db")
    for _ in range(2):
        database = Database(settings, package="billing_mcp", seed=examples)
        database.prepare()
        database.close()
    with sqlite3.connect(tmp_path / "billing.db") as rows:
        assert rows.execute("SELECT count(*) FROM accounts").fetchone() == (220,)


def test_a_database_without_examples_is_empty(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/billing.db", seed_examples=False)
    database = Database(settings, package="billing_mcp", seed=examples)
    database.prepare()
    database.close()
    with sqlite3.connect(tmp_path / "billing.db") as rows:
        assert rows.execute("SELECT count(*) FROM accounts").fetchone() == (0,)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but dear to somebody")
    with pytest.raises(DatabaseUnusable):
        Database(Settings(database_url=f"sqlite:///{path}"), package="billing_mcp").prepare()
    assert path.read_text() == "not a database, but dear to somebody"


def test_health_tells_live_and_ready(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/billing.db")
    database = Database(settings, package="billing_mcp")
    client = TestClient(app(make_office(database, settings), database, host="127.0.0.1"))
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").json() == {"status": "not_ready", "reason": "database_unreachable"}
    database.prepare()
    assert client.get("/health/ready").status_code == 200
    database.close()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DATABASE_URL", "nonsense", "DATABASE_URL is not a database address"),
        ("DATABASE_URL", "sqlite:////no/such/folder/billing.db", "check that its folder exists"),
        ("DATABASE_URL", "postgresql+nodriver://me:s3cret@h/x", "cannot be used"),
        ("BILLING_REFUND_LIMIT", "plenty", "BILLING_REFUND_LIMIT must be an amount"),
    ],
)
def test_bad_settings_end_with_2_and_say_how_to_mend_them(
    variable: str,
    value: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/billing.db")
    monkeypatch.setenv(variable, value)
    assert main(["--port", "0"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "s3cret" not in said


def test_a_taken_port_ends_with_2_and_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/billing.db")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    assert f"port {port}" in capsys.readouterr().err
