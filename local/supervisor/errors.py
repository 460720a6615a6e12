"""What can go wrong while a mesh starts; each error says what to do.

MeshError
├── StartFailed     a process ended, or was not ready in time
├── ProcessDied     a process that was ready ended while the mesh was in use
├── PortTaken       a port that was asked for belongs to somebody else
└── NotFound        a program that the mesh needs is not on this machine
"""

from __future__ import annotations


class MeshError(Exception):
    """Base; ``advice`` is one or more sentences on what to do."""

    def __init__(self, what: str, *, advice: str = "", log_tail: str = "") -> None:
        self.what, self.advice, self.log_tail = what, advice, log_tail
        super().__init__(what)

    def __str__(self) -> str:
        parts = [self.what]
        if self.log_tail:
            parts.append("  its last words:\n" + "\n".join(f"    | {line}" for line in self.log_tail.splitlines()))
        if self.advice:
            parts.append("  what to do: " + self.advice)
        return "\n".join(parts)


class StartFailed(MeshError):
    """A process ended before it was ready, or was not ready in time."""


class ProcessDied(MeshError):
    """A process that had been ready has ended by itself."""


class PortTaken(MeshError):
    """Somebody else listens on a port that was asked for."""


class NotFound(MeshError):
    """A program is on none of the ways in which it could be."""
