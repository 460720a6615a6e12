"""What the ledger's own database says of the struck calls: each has the ending that its record has."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path


def endings_in(database: Path) -> Mapping[str, str]:
    """Ending by call; a call that the ledger does not know is not in it."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as ledger:
        return dict(ledger.execute("SELECT call_id, ending FROM lines"))


def differences(endings: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """``wanted``: ending by call, as the calls' records have it. Every difference in plain words."""
    found = []
    for call_id, ending in wanted.items():
        if call_id not in endings:
            found.append(f"the ledger knows no ending of {call_id}, which ended as {ending}")
        elif endings[call_id] != ending:
            found.append(f"the ledger has {endings[call_id]} for {call_id}, which ended as {ending}")
    return found
