"""The live databases of a mesh's back offices, as they were at first, for calls that are each to find the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from local.eval.evidence import TableDiff
from local.eval.rows import Snapshot, differences, snapshot
from local.supervisor.mesh import BACK_OFFICES, Mesh


class Databases:
    """The live databases of a mesh's back offices, brought back to what they were at first before each call."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files
        self._first: dict[str, sqlite3.Connection] = {}
        self._before: dict[str, Snapshot] = {}
        for service, path in files.items():
            self._first[service] = sqlite3.connect(":memory:")
            with closing(sqlite3.connect(path)) as live:
                live.backup(self._first[service])
            self._before[service] = snapshot(path)

    @classmethod
    def of(cls, mesh: Mesh) -> Databases:
        """Those of a mesh that runs on SQLite."""
        offices = [service for service in mesh.services if service in BACK_OFFICES]
        return cls({name: Path(mesh.database_url(name).removeprefix("sqlite:///")) for name in offices})

    def restore(self) -> None:
        """Each database holds again what it held when this was made; its server need not know."""
        for service, path in self._files.items():
            with closing(sqlite3.connect(path, timeout=10)) as live:
                self._first[service].backup(live)

    def changes(self) -> dict[str, dict[str, TableDiff]]:
        """What differs from then."""
        found = {name: differences(self._before[name], snapshot(path)) for name, path in self._files.items()}
        return {name: changed for name, changed in found.items() if changed}
