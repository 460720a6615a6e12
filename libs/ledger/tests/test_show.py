"""What `python -m ledger show` prints, for people and for programs; and that it makes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from backoffice import settings as shared
from ended_calls import end_call, hand_over, make_ticket, open_call, reader
from handoff.call import Ending
from handoff.memory_store import MemoryStore
from handoff.testing import START, FakeClock
from ledger.__main__ import main
from ledger.database import LedgerDatabase
from ledger.settings import Settings
from ledger.show import as_json, callbacks, callbacks_table, is_overdue, page, table
from ledger.tickets import Tickets
from ledger.watch import Watch


async def a_day(store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings) -> None:
    """One call handed over and resolved, one hung up an hour later, one lost, one running, one callback."""
    await open_call(store, "call-lost")
    await Watch(store, database, settings=settings).step()
    await open_call(store, "call-1")
    epoch = await hand_over(store, clock, "call-1", gap_seconds=0.25)
    clock.advance(60)
    await end_call(store, "call-1", epoch=epoch)
    await reader(store, database).catch_up()
    clock.advance(3600)
    await end_call(store, "call-2", Ending.CALLER_HUNG_UP, detail="silent")
    await open_call(store, "call-3")
    await reader(store, database).catch_up()
    await Watch(store, database, settings=settings).step()
    promised = Tickets(store, database, settings=settings)
    with database.writing() as session:
        promised.write(session, [make_ticket(wished_at="tomorrow", number="5035550142")])


async def test_a_call_is_a_line_that_tells_how_it_ended(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await a_day(store, clock, database, settings)
    with database.reading() as session:
        printed = table(page(session))
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert lines[1] == "2025-06-15 15:07:40 call-1 resolved 60 s triage > billing 250 ms -"
    assert lines[2].startswith("2025-06-15 16:07:40 call-2 caller hung up")
    assert lines[2].endswith("triage - silent")
    assert "call-lost NO ENDING" in printed.replace("  ", " ").replace("  ", " ")
    assert lines[-1] == "2 ended: 1 resolved, 1 caller hung up; 1 running; 1 without an ending"


async def test_since_leaves_out_what_is_older(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await a_day(store, clock, database, settings)
    with database.reading() as session:
        assert [line.call_id for line in page(session, from_=START + 600).lines] == ["call-2"]


async def test_one_call_is_shown_whenever_it_was(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await a_day(store, clock, database, settings)
    with database.reading() as session:
        found = page(session, from_=START + 600, call_id="call-1")
        assert ([line.call_id for line in found.lines], found.opened) == (["call-1"], [])
        lost = page(session, call_id="call-lost")
        assert [row.call_id for row in lost.opened] == ["call-lost"]
        assert table(page(session, call_id="nobody")) == "no call in that time"


async def test_programs_get_the_same_as_data(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await a_day(store, clock, database, settings)
    with database.reading() as session:
        data = json.loads(json.dumps(as_json(page(session), callbacks(session))))
    first = data["lines"][0]
    assert (first["call_id"], first["ending"], first["ended_at"][-1]) == ("call-1", "resolved", "Z")
    assert first["handoffs"][0]["taken_to_spoken_seconds"] == pytest.approx(0.25)
    assert [row["call_id"] for row in data["running"]] == ["call-3"]
    assert [row["call_id"] for row in data["without_ending"]] == ["call-lost"]
    assert [(row["ticket_id"], row["state"]) for row in data["callbacks"]] == [("CT-10001", "open")]
    assert [row["number"] for row in data["callbacks"]] == ["***42"], "whole it is for who calls, at the desk"


async def test_callbacks_are_shown_with_their_state(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await a_day(store, clock, database, settings)
    with database.reading() as session:
        printed = callbacks_table(callbacks(session, from_=START + 9999))
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert lines[1] == "CT-10001 open 2025-06-16 16:00:00 tomorrow billing at_capacity call-1"
    assert lines[-1] == "1 callbacks: 1 open, 0 queued, 0 done"


async def test_a_callback_that_nobody_has_made_is_shown_as_overdue(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await a_day(store, clock, database, settings)
    with database.reading() as session:
        found = callbacks(session)
        assert [is_overdue(ticket, now=START + 86400, bound_seconds=3600) for ticket in found] == [False]
        late = [ticket for ticket in found if is_overdue(ticket, now=START + 2 * 86400, bound_seconds=3600)]
        lines = [" ".join(line.split()) for line in callbacks_table(found, late).splitlines()]
        assert lines[1].startswith("CT-10001 OVERDUE 2025-06-16")
        assert lines[-1] == "1 callbacks: 1 open, 0 queued, 0 done, 1 of them OVERDUE"
        assert [row["is_overdue"] for row in as_json(page(session), found, late)["callbacks"]] == [True]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of the commands below."""
    found: dict[str, str] = {}
    monkeypatch.setattr(Settings.from_env.__func__, "__defaults__", (found,))  # type: ignore[attr-defined]
    assert shared.ENVIRONMENT is not found
    return found


def test_the_commands_work_on_the_database_of_the_environment(
    environ: dict[str, str],
    database: LedgerDatabase,
    settings: Settings,
    store: MemoryStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environ["DATABASE_URL"] = settings.database_url
    with database.writing() as session:
        Tickets(store, database, settings=settings).write(session, [make_ticket()])
    assert main(["show", "--since", "1h"]) == 0
    assert "1 callbacks are OVERDUE" in capsys.readouterr().out
    assert main(["show", "--callbacks"]) == 0
    assert "CT-10001" in capsys.readouterr().out
    assert main(["done", "CT-10001"]) == 0
    assert main(["done", "CT-10001"]) == 1
    assert main(["show", "--json"]) == 0
    assert '"state": "done"' in capsys.readouterr().out


def test_to_show_a_ledger_that_is_not_there_makes_none(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ["DATABASE_URL"] = f"sqlite:///{tmp_path}/ledger.db"
    assert main(["show"]) == 1
    assert "no ledger yet" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_address_is_told_without_its_password(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ["DATABASE_URL"] = "mysql://me:s3cret@h/ledger"
    assert main(["show"]) == 2
    assert "s3cret" not in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1", "h", "1 fortnight", "-1h"])
def test_a_time_without_a_unit_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show", f"--since={text}"])
    assert "e.g. 1h" in capsys.readouterr().err
