"""Log lines as JSON: one object a line, of chosen fields only, so that no caller's word slips in.

A line that has a call's id has its trace's id too, with or without a tracing backend.
"""

from __future__ import annotations

import json
import logging

from telemetry.names import trace_hex_of

FIELDS = ("call_id", "handoff_id", "answer_ms")
"""What a line may carry beside its message: given as ``extra`` of the log call."""


class JsonLines(logging.Formatter):
    """``at`` is in Unix seconds."""

    def __init__(self, *fields: str) -> None:
        """``fields``: more names that a line may carry."""
        super().__init__()
        self._fields = (*FIELDS, *fields)

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "at": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in self._fields if hasattr(record, name)}
        if line.get("call_id"):
            line["trace_id"] = trace_hex_of(str(line["call_id"]))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
