"""What a check answers: a line for a person, and for each trouble what is wrong, where, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The worst of a check's troubles. A skipped check has nothing to look at, or cannot look before another trouble is mended."""

    OK = "ok"
    SKIPPED = "skipped"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Trouble:
    """``mend`` begins with the command to type, wherever one command does it. None of the three quotes a secret."""

    what: str
    where: str
    mend: str
    is_fatal: bool = True
    """Whether callers are harmed, or will be; else it is worth a look before the next one is."""


@dataclass(frozen=True, slots=True)
class Result:
    """Of one check."""

    name: str
    told: str
    """What was found when all is well, or why it was skipped."""
    troubles: tuple[Trouble, ...] = ()
    is_skipped: bool = False

    @property
    def verdict(self) -> Verdict:
        """One word."""
        if any(trouble.is_fatal for trouble in self.troubles):
            return Verdict.FAIL
        if self.troubles:
            return Verdict.WARN
        return Verdict.SKIPPED if self.is_skipped else Verdict.OK

    def as_json(self) -> dict[str, Any]:
        """For programs: the same, as plain data."""
        return {
            "check": self.name,
            "verdict": str(self.verdict),
            "told": self.told,
            "troubles": [asdict(trouble) for trouble in self.troubles],
        }


class Skipped(Exception):
    """There is nothing to look at; the text says why."""


def lines_of(result: Result) -> list[str]:
    """The check's own line, then four for each trouble."""
    what = result.troubles[0].what if len(result.troubles) == 1 else f"{len(result.troubles)} troubles"
    lines = [f"{result.verdict:<8}{result.name:<24}{what if result.troubles else result.told}"]
    for trouble in result.troubles:
        if len(result.troubles) > 1:
            lines.append(f"        - {trouble.what}")
        lines.append(f"          where: {trouble.where}")
        lines.append(f"          mend:  {trouble.mend}")
    return lines


def summary_of(results: list[Result]) -> str:
    """The last line."""
    counted = [(sum(result.verdict is each for result in results), each) for each in Verdict]
    return ", ".join(f"{count} {verdict}" for count, verdict in counted if count)


def exit_code_of(results: list[Result]) -> int:
    """1 when anything failed; warnings alone are 0."""
    return int(any(result.verdict is Verdict.FAIL for result in results))
