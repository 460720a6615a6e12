"""The memory store's part for canaries: see ``Store``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from handoff.canary import TRIAL_SECONDS, WINDOW, Canary, check_canary, is_failing, why_stopped


@dataclass(slots=True)
class _Kept:
    """Of one service. ``trials``: each version as it was counted, and until when it is remembered."""

    version: str = ""
    weight: int = 0
    until: float = 0.0
    trials: dict[str, tuple[float, Canary]] = field(default_factory=dict)


class MemoryCanaries:
    """``now`` is the clock, in seconds since the epoch."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._clock_of_canaries = now
        self._canaries: dict[str, _Kept] = {}

    async def note_canary(self, service: str, *, version: str, weight: int, seconds: float) -> Canary:
        """See Store.note_canary."""
        check_canary(version, weight)
        kept = self._canaries.setdefault(service, _Kept())
        kept.version, kept.weight, kept.until = version, weight, self._clock_of_canaries() + seconds
        self._keep(kept, self._trial(service, kept, version))
        return self._seen(service, kept)

    async def canary(self, service: str) -> Canary | None:
        """See Store.canary."""
        kept = self._canaries.get(service)
        if kept is None or kept.version not in self._remembered(kept):
            return None
        return self._seen(service, kept)

    async def count_canary(self, service: str, *, version: str, is_spoken: bool) -> Canary | None:
        """See Store.count_canary."""
        kept = self._canaries.get(service)
        if kept is None or version not in self._remembered(kept):
            return None
        trial = self._trial(service, kept, version)
        recent = f"{trial.recent}{'s' if is_spoken else 'f'}"[-WINDOW:]
        trial = replace(trial, recent=recent, spoken=trial.spoken + is_spoken, failed=trial.failed + (not is_spoken))
        stops = not is_spoken and not trial.stopped_at and is_failing(recent)
        if stops:
            why = why_stopped(recent.count("f"), len(recent))
            trial = replace(trial, stopped_at=self._clock_of_canaries(), why=why)
        self._keep(kept, trial)
        return trial if stops else None

    async def stop_canary(self, service: str, *, why: str) -> Canary | None:
        """See Store.stop_canary."""
        if (now := await self.canary(service)) is None:
            return None
        if not now.stopped_at:
            self._keep(self._canaries[service], replace(now, stopped_at=self._clock_of_canaries(), why=why))
        return await self.canary(service)

    async def reset_canary(self, service: str) -> Canary | None:
        """See Store.reset_canary."""
        if (now := await self.canary(service)) is None:
            return None
        self._keep(self._canaries[service], Canary(service, now.version, now.weight, now.is_there))
        return await self.canary(service)

    # --- what is kept ---------------------------------------------------------------------------------------------
    def _remembered(self, kept: _Kept) -> dict[str, tuple[float, Canary]]:
        now = self._clock_of_canaries()
        kept.trials = {version: known for version, known in kept.trials.items() if known[0] > now}
        return kept.trials

    def _trial(self, service: str, kept: _Kept, version: str) -> Canary:
        known = self._remembered(kept).get(version)
        return known[1] if known is not None else Canary(service, version, kept.weight, True)

    def _keep(self, kept: _Kept, trial: Canary) -> None:
        kept.trials[trial.version] = (self._clock_of_canaries() + TRIAL_SECONDS, trial)

    def _seen(self, service: str, kept: _Kept) -> Canary:
        trial = self._trial(service, kept, kept.version)
        return replace(trial, weight=kept.weight, is_there=kept.until > self._clock_of_canaries())
