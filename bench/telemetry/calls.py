"""What a call costs a worker with traces and without: the stage of bench.density, in turns."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench.density.levels import held
from bench.density.stage import PROCESS, STUB, Stage
from bench.telemetry.sink import sink
from local.supervisor.supervisor import Say

_SPARE_PLACES = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call in a steady state: processors, by role and together; MiB of its process alone."""

    is_traced: bool
    jobs_cores: float
    worker_cores: float
    private_mib: float
    load: float


async def in_turns(run_dir: Path, *, calls: int, rounds: int, window_seconds: float, say: Say) -> AsyncIterator[Cost]:
    """Without, with, without, with ...: what the machine does besides meets both. Raises MeshError, CrowdDied."""
    with sink() as endpoint:
        for number in range(2 * rounds):
            is_traced = number % 2 == 1
            stage = Stage(
                run_dir / f"{number}",
                executor=PROCESS,
                speech=STUB,
                most_calls=calls + _SPARE_PLACES,
                env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint if is_traced else ""},
                say=say,
            )
            load = os.getloadavg()[0]
            async with stage:
                level = await held(stage, calls, window_seconds=window_seconds)
            yield Cost(
                is_traced,
                jobs_cores=level.cores["jobs"] / calls,
                worker_cores=level.worker_cores / calls,
                private_mib=level.job_private_mib,
                load=load,
            )
