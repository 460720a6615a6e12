"""`python -m X_mcp --host 127.0.0.1 --port 8000`: migrates, then serves. Exit code 2: settings, database or port unusable."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from sqlalchemy.orm import Session
from telemetry import tracing
from telemetry.log_lines import JsonLines

from backoffice.app import app
from backoffice.database import Database, DatabaseUnusable
from backoffice.office import BackOffice
from backoffice.settings import Settings, SettingsError

S = TypeVar("S", bound=Settings)


def main(
    name: str,
    make_office: Callable[[Database, S], BackOffice],
    *,
    read_settings: Callable[[], S],
    seed: Callable[[Session], None] | None = None,
    argv: list[str] | None = None,
) -> int:
    """Serves the office of the service ``name`` (package ``{name}_mcp``) until SIGTERM or Ctrl-C; returns the exit code."""
    program = f"{name}_mcp"
    arguments = _arguments(program, argv)
    try:
        settings = read_settings()
        _log_at(settings.log_level)
        database = Database(settings, package=program, seed=seed)
        database.prepare()
        listener = _listen(arguments.host, arguments.port)
    except (SettingsError, DatabaseUnusable) as e:
        print(f"{program}: {e}", file=sys.stderr)
        return 2
    except OSError as e:
        print(
            f"{program}: port {arguments.port} on {arguments.host} cannot be used ({e.strerror}): give a free one with --port",
            file=sys.stderr,
        )
        return 2
    # uvicorn passes a signal on when it has shut down; by default SIGTERM would end us before the database is closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tracing.start(f"{name}-mcp", endpoint=settings.otlp_endpoint)
    try:
        application = app(make_office(database, settings), database, host=arguments.host)
        config = uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=3)
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # told to stop
    finally:
        database.close()
        tracing.stop()
    return 0


def _log_at(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler])
    # Alembic and the SDK tell more than is needed, the SDK also what was asked.
    for chatty in ("alembic", "mcp", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _arguments(program: str, argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description="A back office: an MCP server at /mcp.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    return parser.parse_args(argv)


def _listen(host: str, port: int) -> socket.socket:
    """Bound here and not by uvicorn, so that a taken port is reported in our words."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OverflowError:
        listener.close()
        raise OSError(0, "no such port", None) from None
    except OSError:
        listener.close()
        raise
    listener.listen()
    return listener
