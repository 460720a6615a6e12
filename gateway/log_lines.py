"""What the gateway logs: one JSON object a line, with fields that were chosen, so that no caller's word or address slips in."""

from __future__ import annotations

import json
import logging


class JsonLines(logging.Formatter):
    """Time (seconds since the epoch), level, logger, message, and the call's id where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """As logging has it."""
        line = {
            "at": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (call_id := getattr(record, "call_id", None)) is not None:
            line["call_id"] = call_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_lines() -> None:
    """Our own loggers from INFO on, for who reads a call's words is noted there; all others from WARNING on."""
    writer = logging.StreamHandler()
    writer.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[writer], force=True)
    logging.getLogger("gateway").setLevel(logging.INFO)
