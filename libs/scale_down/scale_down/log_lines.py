"""What this process logs: one JSON object a line; and troubles, which are told of once, not every round."""

from __future__ import annotations

import json
import logging


class JsonLines(logging.Formatter):
    """Time (seconds since the epoch), level, logger, message, and the traceback of what nobody expected."""

    def format(self, record: logging.LogRecord) -> str:
        """As logging has it."""
        line = {
            "at": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_lines(level: str) -> None:
    """From now on, of all loggers."""
    writer = logging.StreamHandler()
    writer.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[writer], force=True)


class Troubles:
    """What is wrong now. It is told of when it begins, however many rounds it lasts; of a warning also when it is over."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lasting: dict[str, tuple[int, str]] = {}
        self._noted: dict[str, tuple[int, str]] = {}

    def note(self, name: str, words: str, *, level: int = logging.WARNING) -> None:
        """In this round there is a trouble of that name; ``words`` tell what it is, and who can mend it."""
        if name not in self._lasting and name not in self._noted:
            self._log.log(level, words)
        self._noted[name] = level, words

    def round_ended(self, *, saw_all: bool) -> None:
        """What was not noted in this round is over, where the round ``saw_all``: else nobody knows."""
        if saw_all:
            for name in self._lasting.keys() - self._noted.keys():
                level, words = self._lasting[name]
                if level >= logging.WARNING:
                    self._log.info("over: %s", words)
            self._lasting = {}
        self._lasting |= self._noted
        self._noted = {}
