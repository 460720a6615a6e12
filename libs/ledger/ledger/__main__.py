"""`python -m ledger run | show | done | forget`: keeps the ledger, shows it, notes a callback that was made, forgets old calls or one."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time

from sqlalchemy.exc import SQLAlchemyError

from ledger import show
from ledger.database import DatabaseUnusable, LedgerDatabase, is_there
from ledger.settings import Settings, SettingsError
from ledger.tickets import mark_done

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ALWAYS = 0.0


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0, 1 when there is nothing to show, no such ticket, or a call that cannot be forgotten now, 2 for settings, a database
    or a Redis that are unusable."""
    options = _parser().parse_args(argv)
    if options.command == "run":
        # What serves takes a second to import, and who looks need not wait for it.
        from ledger.run import run

        return run()
    try:
        settings = Settings.from_env(needs_redis=options.command == "forget")
        if not is_there(settings):
            print("there is no ledger yet: `python -m ledger run` makes it at DATABASE_URL", file=sys.stderr)
            return 1
        database = LedgerDatabase(settings)
    except (SettingsError, DatabaseUnusable) as e:
        return _unusable(e)
    try:
        if options.command == "forget":
            from ledger.forget import forget

            return forget(settings, database, call_id=options.call, older_than_seconds=options.older_than)
        return _show(options, database, settings) if options.command == "show" else _done(options, database)
    except DatabaseUnusable as e:
        return _unusable(e)
    except SQLAlchemyError as e:
        print(f"ledger: the database of DATABASE_URL cannot be read ({type(e).__name__})", file=sys.stderr)
        return 2
    finally:
        database.close()


def _unusable(e: Exception) -> int:
    print(f"ledger: {e}", file=sys.stderr)
    return 2


def _show(options: argparse.Namespace, database: LedgerDatabase, settings: Settings) -> int:
    now = time.time()
    from_ = _ALWAYS if options.since is None else now - options.since
    with database.reading() as session:
        found = show.page(session, from_=from_, call_id=options.call)
        tickets = show.callbacks(session, from_=from_, call_id=options.call)
        bound = settings.callback_bound_seconds
        overdue = [ticket for ticket in tickets if show.is_overdue(ticket, now=now, bound_seconds=bound)]
        if options.json:
            print(json.dumps(show.as_json(found, tickets, overdue), indent=2))
        elif options.callbacks:
            print(show.callbacks_table(tickets, overdue))
        else:
            print(show.table(found))
            if overdue:
                print(f"{len(overdue)} callbacks are OVERDUE: see --callbacks (make ledger CALLBACKS=1)")
    return 0


def _done(options: argparse.Namespace, database: LedgerDatabase) -> int:
    with database.writing() as session:
        calls = [row.call_id for row in mark_done(session, options.ticket, options.call, now=time.time())]
    for call_id in calls:
        print(f"{options.ticket} (call {call_id}) is done")
    if not calls:
        print(f"no callback {options.ticket} is waiting", file=sys.stderr)
    return 0 if calls else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ledger", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="read the mesh's streams into the database until SIGTERM")
    shown = commands.add_parser("show", help="print how calls ended")
    shown.add_argument("--since", type=_seconds, metavar="1h", help="only the last 90s, 30m, 1h, 7d (default: all)")
    shown.add_argument("--call", default="", metavar="ID", help="only this call")
    shown.add_argument("--json", action="store_true", help="as data")
    shown.add_argument("--callbacks", action="store_true", help="the callbacks that were promised instead")
    done = commands.add_parser("done", help="somebody has called back")
    done.add_argument("ticket", help="its number, as show --callbacks prints it")
    done.add_argument("--call", default="", metavar="ID", help="of this call, when two have the number")
    forgotten = commands.add_parser("forget", help="delete what is old, or remove one call from here and from Redis")
    which = forgotten.add_mutually_exclusive_group(required=True)
    which.add_argument("--call", default="", metavar="ID", help="this call, which must have ended")
    which.add_argument("--older-than", type=_seconds, metavar="90d", help="all that is older, 15d or more")
    return parser


def _seconds(text: str) -> float:
    if not (found := re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip().lower())):
        raise argparse.ArgumentTypeError("give a number and s, m, h or d, e.g. 1h")
    return float(found[1]) * _UNITS[found[2]]


if __name__ == "__main__":
    raise SystemExit(main())
