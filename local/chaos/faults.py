"""The faults that chaos knows: at which moment of which call what is struck, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from handoff.lifecycle import State

from local.chaos import moments, preparing, strikes
from local.chaos.moments import Moment
from local.chaos.preparing import Prepare
from local.chaos.strikes import Strike
from local.chaos.verdict import Expects


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row of the table."""

    name: str
    title: str
    caller: str
    """Who calls: a name of `callers.CALLERS`."""
    moment: Moment
    strike: Strike
    prepare: Prepare | None = None
    """Special surroundings in which a worker is started before the call."""
    finishes: bool = False
    """Whether the caller stays until the mesh ends the call; otherwise he hangs up soon after he hears a voice again."""
    counts_from_up: bool = False
    """Whether time counts from when the struck process was ready again, rather than from the strike."""
    aim_ms: tuple[int, int] | None = None
    """Median and 95th percentile that are aimed at for the first voice."""
    silence_ms: int = 12_000
    """A longer silence than this is a silent drop, whatever comes after it: about twice what was measured, or four times the aim."""
    reaches: str = ""
    """A service that must have had the call all the same."""
    is_unheard: bool = False
    """Whether the caller must notice nothing: nobody may have to go on for a lost agent."""
    fails_a_tool: bool = False
    """Whether a tool must have failed, or the call was not struck."""
    calls: int = 1
    """How many callers are on the line at once; with several, the worker that has them all is drained."""

    def expects(self, *, freezes: bool = False) -> Expects:
        """For the verdict. The callers of a worker that drains hang up when all of them have been moved."""
        finishes = self.finishes and self.calls == 1
        return Expects(finishes, self.silence_ms, self.reaches, self.is_unheard, freezes)


_JOB = (500, 1000)
_WORKER = (900, 1300)
_FROZEN = (900, 1500)
_LIVEKIT = (10_000, 10_000)


def _job(name: str, title: str, moment: Moment) -> Fault:
    return Fault(
        name=name, title=title, caller="asks", moment=moment, strike=strikes.kill_job(), aim_ms=_JOB, silence_ms=6_000
    )


def _giver(state: State) -> Fault:
    return Fault(
        name=f"giver-{state}",
        title=f"giver's job killed, handoff {state}",
        caller="charged_twice",
        moment=moments.handoff_is(state),
        strike=strikes.kill_job("triage", at=state),
        aim_ms=None if state in (State.TAKEN, State.SPOKEN) else _JOB,
        silence_ms=6_000,
    )


def _taker(state: State) -> Fault:
    return Fault(
        name=f"taker-{state}",
        title=f"taker's job killed, handoff {state}",
        caller="charged_twice",
        moment=moments.handoff_is(state),
        strike=strikes.kill_job("billing", at=state),
        silence_ms=8_000,
    )


FAULTS: tuple[Fault, ...] = (
    # --- an agent's job ---
    _job("job-speaking", "job killed while it speaks", moments.speaking()),
    _job("job-thinking", "job killed while it thinks", moments.thinking()),
    # To its end: whoever goes on has to answer what was half said when it came.
    replace(_job("job-listening", "job killed while the caller speaks", moments.listening()), finishes=True),
    _job("job-greeting", "job killed in its greeting", moments.greeting),
    Fault(
        name="job-frozen",
        title="job frozen while it speaks, thawed later",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.freeze_job(),
        aim_ms=_FROZEN,
        silence_ms=6_000,
    ),
    # --- a worker ---
    Fault(
        name="worker-killed",
        title="worker killed, another of the service alive",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.kill_worker(),
        aim_ms=_WORKER,
        silence_ms=6_000,
    ),
    Fault(
        name="worker-frozen",
        title="worker frozen with its jobs, another alive",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.freeze_worker(),
        aim_ms=(1400, 1800),
        silence_ms=8_000,
    ),
    Fault(
        name="drain",
        title="worker drained (SIGTERM), another alive",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.drain_worker(),
        finishes=True,
        silence_ms=10_000,
        is_unheard=True,
    ),
    Fault(
        name="drain-of-many",
        title="worker with several live calls drained",
        caller="has_billing_wait",
        moment=moments.speaking(),
        strike=strikes.drain_worker(),
        finishes=True,
        calls=5,
        silence_ms=10_000,
        is_unheard=True,
    ),
    Fault(
        name="service-lost",
        title="all workers of a service killed, its agent on the line",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.kill_all_workers("billing"),
        silence_ms=10_000,
    ),
    Fault(
        name="service-away",
        title="all workers of a service killed before the handoff",
        caller="charged_twice",
        moment=moments.greeting,
        strike=strikes.kill_all_workers("billing"),
        finishes=True,
    ),
    Fault(
        name="black-hole",
        title="a service takes offers and answers nothing",
        caller="charged_twice",
        moment=moments.greeting,
        strike=strikes.black_hole("billing"),
        finishes=True,
    ),
    Fault(
        name="cut-off",
        title="a worker cut off from LiveKit's signalling for 12 s",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.cut_off(seconds=12.0),
        prepare=preparing.on_a_wire,
        finishes=True,
        is_unheard=True,
    ),
    Fault(
        name="partition",
        title="a worker cut off from LiveKit, sound and all, for 20 s",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.partition(seconds=20.0),
        prepare=preparing.on_a_wire,
        silence_ms=12_000,
    ),
    Fault(
        name="clock-jump",
        title="a worker's clock 10 minutes ahead, its job killed",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.clock_jumps,
        prepare=preparing.with_a_clock_of_its_own,
    ),
    Fault(
        name="disk-full",
        title="no disk for a worker's logs, its job killed",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.kill_job(),
        prepare=preparing.on_a_full_disk,
    ),
    # --- a handoff ---
    *(_giver(state) for state in (State.ACCEPTED, State.DISPATCHED, State.READY, State.TAKEN)),
    *(_taker(state) for state in (State.DISPATCHED, State.READY, State.TAKEN, State.SPOKEN)),
    # --- tools ---
    Fault(
        name="after-effect",
        title="job killed as its refund is made",
        caller="refund",
        moment=moments.after_refund,
        strike=strikes.kill_job("billing"),
        finishes=True,
    ),
    Fault(
        name="mcp-killed",
        title="a back office killed, back in seconds",
        caller="refund",
        strike=strikes.kill("billing_mcp"),
        finishes=True,
        moment=moments.listening(line=2),
        fails_a_tool=True,
    ),
    Fault(
        name="mcp-frozen",
        title="a back office answers nothing for 12 s",
        caller="refund",
        strike=strikes.freeze("billing_mcp", seconds=12.0),
        finishes=True,
        moment=moments.listening(line=2),
        fails_a_tool=True,
    ),
    # --- what all lean on ---
    Fault(
        name="redis-frozen",
        title="Redis answers nothing for 10 s",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.freeze("redis", seconds=10.0),
        finishes=True,
        is_unheard=True,
    ),
    Fault(
        name="redis-empty",
        title="Redis killed, back empty after 2 s",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.kill("redis"),
        finishes=True,
        is_unheard=True,
    ),
    Fault(
        name="redis-failover",
        title="Redis killed, its replica in its place after 2 s",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.fail_over(),
        prepare=preparing.with_a_replica,
        finishes=True,
        is_unheard=True,
    ),
    Fault(
        name="redis-handoff",
        title="Redis away for 30 s, a handoff meanwhile",
        caller="charged_twice",
        moment=moments.greeting,
        strike=strikes.freeze("redis", seconds=30.0),
        finishes=True,
        is_unheard=True,
        reaches="billing",
    ),
    Fault(
        name="model-stalled",
        title="language model says nothing for 12 s",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.stall(seconds=12.0),
        prepare=preparing.with_a_model,
        finishes=True,
        silence_ms=10_000,
    ),
    Fault(
        name="model-failing",
        title="language model answers with errors for 12 s",
        caller="asks_billing",
        moment=moments.speaking(),
        strike=strikes.fail(seconds=12.0),
        prepare=preparing.with_a_model,
        finishes=True,
        silence_ms=10_000,
    ),
    Fault(
        name="livekit-killed",
        title="LiveKit killed, back after 1 s",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.kill("livekit", restarts_after=1.0),
        counts_from_up=True,
        aim_ms=_LIVEKIT,
        silence_ms=20_000,
    ),
    Fault(
        name="livekit-stopped",
        title="LiveKit stopped in order, back after 1 s",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.stop("livekit"),
        counts_from_up=True,
        aim_ms=_LIVEKIT,
        silence_ms=20_000,
    ),
    Fault(
        name="livekit-frozen",
        title="LiveKit stands still for 8 s",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.freeze("livekit", seconds=8.0),
        finishes=True,
    ),
    Fault(
        name="speech-frozen",
        title="speech provider answers nothing for 8 s",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.freeze("speech", seconds=8.0),
        finishes=True,
    ),
    Fault(
        name="speech-killed",
        title="speech provider killed, back in seconds",
        caller="asks",
        moment=moments.speaking(),
        strike=strikes.kill("speech"),
        finishes=True,
        silence_ms=30_000,
    ),
)

BY_NAME = {fault.name: fault for fault in FAULTS}
