"""Which evals are played: all files of the services and of tests/evals, or those that somebody names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from yaml_lines.nodes import Problem

from local.caller.script import ScriptError
from local.eval.conversation import Conversation
from local.eval.reader import load

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("services/*/evals", "tests/evals")


def find(
    files: Sequence[Path] = (), *, only: str = "", spoken: bool = False, root: Path = ROOT
) -> tuple[Conversation, ...]:
    """The conversations to play, in the order of their files. Raises ScriptError with the problems of every file.

    ``only``: a service; those of its own folder, and others in which it takes part. ``spoken``: those marked so.
    """
    found: list[Conversation] = []
    problems: list[Problem] = []
    for path in files or _all_files(root):
        try:
            found += load(path)
        except ScriptError as e:
            problems += e.problems
    if problems:
        raise ScriptError(tuple(problems))
    return tuple(c for c in found if (not only or _is_of(c, only)) and (not spoken or c.is_spoken))


def owner(conversation: Conversation) -> str:
    """The service whose folder holds it; ``across`` for those of no service."""
    parts = conversation.path.resolve().parts
    return parts[-3] if len(parts) > 3 and parts[-2] == "evals" and parts[-4] == "services" else "across"


def _is_of(conversation: Conversation, service: str) -> bool:
    return owner(conversation) == service or service in conversation.services


def _all_files(root: Path) -> Iterable[Path]:
    return sorted(path for folder in _FOLDERS for path in root.glob(f"{folder}/*.yaml"))
