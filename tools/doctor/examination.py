"""Runs checks beside one another. Each has its own time and its own connections: one that hangs or breaks says nothing of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tools.doctor.results import Result, Skipped, Trouble
from tools.doctor.target import Target

CHECK_SECONDS = 8.0
"""Longest time of one check: above every time that a check itself sets for an answer (5 s at most)."""

Answer = str | tuple[str, Sequence[Trouble]]
"""What was found; and the troubles, if there are any. Raises Skipped when there is nothing to look at."""
Look = Callable[[Target], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Check:
    """``name`` is ``group.what``; ``--only`` takes either."""

    name: str
    look: Look
    seconds: float = CHECK_SECONDS

    @property
    def why(self) -> str:
        """The first paragraph of its docstring, on one line."""
        return " ".join((self.look.__doc__ or "").partition("\n\n")[0].split())

    def is_meant_by(self, wanted: Sequence[str]) -> bool:
        """All are, when nothing is wanted in particular."""
        return not wanted or any(self.name == each or self.name.startswith(f"{each}.") for each in wanted)


async def examine(target: Target, checks: Sequence[Check]) -> list[Result]:
    """In the order of ``checks``; never raises for what a check does."""
    return list(await asyncio.gather(*(_result_of(check, target) for check in checks)))


async def _result_of(check: Check, target: Target) -> Result:
    try:
        async with asyncio.timeout(check.seconds):
            answer = await check.look(target)
    except Skipped as skipped:
        return Result(check.name, str(skipped), is_skipped=True)
    except TimeoutError:
        return Result(check.name, "", (_hung(check, target),))
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide what the others found
        return Result(check.name, "", (_broke(check, target, error),))
    told, troubles = (answer, ()) if isinstance(answer, str) else answer
    return Result(check.name, told, tuple(troubles))


def _hung(check: Check, target: Target) -> Trouble:
    return Trouble(
        f"no answer within {check.seconds:g} s",
        str(target),
        f"look at what {check.name} asks: it is reached and does not answer, or a firewall drops what is sent to it",
    )


def _broke(check: Check, target: Target, error: Exception) -> Trouble:
    # The kind alone: a driver's text may hold the password of an address.
    return Trouble(
        f"the check itself broke: {type(error).__name__}",
        str(target),
        f"python -m tools.doctor --only {check.name} --debug shows where; the other checks stand",
        is_fatal=False,
    )
