"""What is known of a log line before it is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One line that a process of ours may log. ``template`` is as the code has it, with its ``%s``; what is put into it are names of ours,
    numbers, and kinds of faults."""

    logger: str
    level: str
    """debug, info, warning, or error; one with a traceback is an error too."""
    template: str
    meaning: str
    do: str = ""
    """For warnings and errors: what a person has to do."""


Line = tuple[str, str, str, str]
"""An event without its logger: level, template, meaning, what to do."""


def told_by(logger: str, *lines: Line) -> tuple[Event, ...]:
    """All lines of one logger."""
    return tuple(Event(logger, *line) for line in lines)


def debug(template: str, meaning: str) -> Line:
    """Nobody reads it but who looks for a fault."""
    return "debug", template, meaning, ""


def info(template: str, meaning: str) -> Line:
    """What goes on."""
    return "info", template, meaning, ""


def warning(template: str, meaning: str, do: str) -> Line:
    """Something was not as it should be, and was dealt with."""
    return "warning", template, meaning, do


def error(template: str, meaning: str, do: str) -> Line:
    """Something failed for somebody."""
    return "error", template, meaning, do
