"""Whether a GPU for speech to text pays off, against the same work on CPU cores. Pure; every price and rate is an input.

    CPU, an hour:  calls x cores of a call / share of a core that is used x price of a core
    GPU, an hour:  GPUs x price of one, with GPUs = calls / streams that one serves, and those that may fail

A GPU serves whole steps of streams, so the answer is not one number: below the first one it stands idle, above it again at each new GPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.density.capacity import CPU_SHARE
from tools.capacity.figures import FIGURES

_MOST_CALLS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Money of any one currency, an hour."""

    gpu_hour: float
    """A node with one GPU, with its own CPU and memory."""
    core_hour: float
    """One core of the nodes that you have."""
    streams: int
    """Calls that one GPU transcribes at the same time, at the latency that you want: measured by you, with your model."""
    stt_cores: float = FIGURES.speech_to_text_cores
    """Cores of one call's speech to text on CPU; the default is the embedded whisper tiny.en's. A larger model costs more: measure it."""
    spare_gpus: int = 1
    """That may fail without callers who are not understood; CPU pods have theirs in the plan of the workers."""


def cpu_cost(calls: int, prices: Prices) -> float:
    """An hour, for so many calls at a time."""
    return calls * prices.stt_cores / CPU_SHARE * prices.core_hour


def gpus(calls: int, prices: Prices) -> int:
    """How many, with the spare ones; none for no calls."""
    return math.ceil(calls / prices.streams) + prices.spare_gpus if calls else 0


def gpu_cost(calls: int, prices: Prices) -> float:
    """An hour, for so many calls at a time."""
    return gpus(calls, prices) * prices.gpu_hour


@dataclass(frozen=True, slots=True)
class BreakEven:
    """``first``: the fewest calls at which GPUs cost no more; ``always``: from so many on at every number. None: at no number."""

    first: int | None
    always: int | None


def break_even(prices: Prices) -> BreakEven:
    """Looks at every number up to a hundred thousand calls."""
    cheaper = [calls for calls in range(1, _MOST_CALLS + 1) if gpu_cost(calls, prices) <= cpu_cost(calls, prices)]
    if not cheaper:
        return BreakEven(None, None)
    dearer = (calls for calls in range(_MOST_CALLS, 0, -1) if gpu_cost(calls, prices) > cpu_cost(calls, prices))
    last_dearer = next(dearer, 0)
    return BreakEven(cheaper[0], last_dearer + 1 if last_dearer < _MOST_CALLS else None)


def full_gpu_pays(prices: Prices) -> bool:
    """Whether one that is always full costs less than the cores that it replaces: if not, no number of calls helps."""
    return prices.gpu_hour <= cpu_cost(prices.streams, prices)
