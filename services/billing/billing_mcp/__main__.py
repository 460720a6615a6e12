"""`python -m billing_mcp --host 127.0.0.1 --port 8000`: migrates, then serves. Exit code 2: settings, database or port unusable."""

from __future__ import annotations

import argparse
import logging
import socket
import sys

import uvicorn

from billing_mcp.app import app
from billing_mcp.database import Database, DatabaseUnusable
from billing_mcp.settings import Settings, SettingsError

_LOG_FORMAT = '{"at": "%(asctime)s", "level": "%(levelname)s", "logger": "%(name)s", "message": "%(message)s"}'


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM or Ctrl-C; returns the exit code."""
    arguments = _arguments(argv)
    try:
        settings = Settings.from_env()
        logging.basicConfig(level=settings.log_level, format=_LOG_FORMAT)
        # Alembic and the SDK tell more than is needed, the SDK also what was asked.
        for chatty in ("alembic", "mcp", "uvicorn.access"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        database = Database(settings)
        database.prepare()
        listener = _listen(arguments.host, arguments.port)
    except (SettingsError, DatabaseUnusable) as e:
        print(f"billing_mcp: {e}", file=sys.stderr)
        return 2
    except OSError as e:
        print(
            f"billing_mcp: port {arguments.port} on {arguments.host} cannot be used ({e.strerror}): give a free one with --port",
            file=sys.stderr,
        )
        return 2
    config = uvicorn.Config(
        app(database, settings, host=arguments.host), log_config=None, access_log=False, timeout_graceful_shutdown=3
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn has shut down and passes the signal on
    finally:
        database.close()
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m billing_mcp", description="Billing's MCP server.")
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


if __name__ == "__main__":
    raise SystemExit(main())
