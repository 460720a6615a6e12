"""How a call that lost its agent gets a new one: the main process's part. What the new agent does is in resuming.

First detector: this process, the parent. It learns of its own job's death in 20-60 ms, seizes the floor in the dead agent's
name, and starts the successor in its own pool. Second: the lease, see ``handoff.guardian``; whoever wins does the same, or asks
LiveKit for a worker of the service. Either way the stale agent is put out of the room, and the successor has the lease of its
seizure to be heard: if it is not, the lease passes, and the next attempt goes one rung higher.

Nobody is recovered twice: every step here follows a seizure, which one of all the guardians and parents wins.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from handoff.agent_ids import agent_id_of
from handoff.call import Call, Channel, Ending, Floor
from handoff.desk import DESK, is_human
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, HandoffError, StoreUnavailable, WireMismatch
from handoff.guardian import MOST_ATTEMPTS, OWN_ATTEMPTS, Guardian, service_of_successor
from handoff.lifecycle import State
from handoff.store import Overdue, Store
from telemetry import tracing

from worker.main_process.admission import Admission
from worker.main_process.livekit_worker import LOST_AGENT, ClosedJob
from worker.main_process.observe import Metrics
from worker.recovery.rooms import LIVEKIT_AWAY, Caller, Present, Rooms, consultation_of

log = logging.getLogger("voicemesh.recovery")

NOBODY_COULD = "nobody could take the call"
CALLER_WAS_GONE = "the caller was gone"
CALLER_BACK_SECONDS = 20.0
"""A caller who is not in the room may come back: his browser after a LiveKit restart needs 2 to 10 s."""
_LOOK_FOR_CALLER_SECONDS = 0.5
_ANSWERED_SECONDS = 2.5
"""A dispatch is taken 0.21 s after it was made (1.7 s on a machine with four times the load it can bear), or never."""
_STORE_BACK_SECONDS = 10.0
"""How long the parent waits for the store; later the lease, or a look at the rooms, finds the call."""
_SAME_TROUBLE_SECONDS = 20.0
"""Deaths in one call that follow each other so closely have one cause: the rungs are climbed, or it would go on for ever."""
_ANSWERED_AGAIN = 2
_OWN = "own"
"""Stands for the job's id in the name of a successor from this worker's own pool: LiveKit has given it none."""


class Launcher(Protocol):
    """This worker's own pool of job processes; see ``LiveKitWorker``."""

    @property
    def has_warm_process(self) -> bool: ...

    async def launch(self, room: str, *, agent_id: str, name: str, attributes: dict[str, str]) -> None: ...


class Peers(Protocol):
    """The workers of all services, by gRPC; see ``handoff.giver.Giver``."""

    async def pools(self, to_service: str) -> Mapping[str, object]: ...


class Canary(Protocol):
    """What this worker tells of itself when it is a canary; see ``CanaryBeat``."""

    def lost_agent(self) -> None: ...


class _LooksFirst(Guardian):
    """Seizes nothing before LiveKit has answered: what is seized by who cannot reach it is silent for a whole lease, and one
    attempt poorer."""

    def __init__(
        self, look: Callable[[str, str], Coroutine[Any, Any, Present | None]], *given: Any, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._look_at = look

    async def take(self, seen: Overdue) -> bool:
        return await self._look_at(seen.call_id, "lease") is not None and await super().take(seen)


class Recovery:
    """One per main process. ``guardian`` is its loop; ``job_closed`` its ear for the jobs of this process."""

    def __init__(
        self,
        *,
        service: str,
        store: Store,
        rooms: Rooms,
        peers: Peers,
        launcher: Launcher,
        admission: Admission,
        metrics: Metrics,
        poll_seconds: float,
        recovery_seconds: float,
        canary: Canary | None = None,
    ) -> None:
        """``recovery_seconds``: how long a successor has until its first word. ``canary``: this worker is one, and takes no call
        but its share; of what it had, one successor, and no more."""
        self._service = service
        self._store = store
        self._rooms = rooms
        self._peers = peers
        self._launcher = launcher
        self._admission = admission
        self._metrics = metrics
        self._recovery_seconds = recovery_seconds
        self._canary = canary
        self.guardian = _LooksFirst(
            self._look,
            store,
            self._rescue_overdue,
            poll_seconds=poll_seconds,
            lease_seconds=recovery_seconds,
            prefers=lambda seen: service_of_successor(seen) == service and self._has_room,
            is_able=lambda: admission.reaches_livekit,
        )
        self._deaths: dict[str, tuple[int, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _has_room(self) -> bool:
        return self._canary is None and self._launcher.has_warm_process and self._admission.refuse_job() is None

    # --- the parent -----------------------------------------------------------------------------------------------
    def job_closed(self, job: ClosedJob) -> None:
        """A job's process is gone, or stopped. Whether that was a death the store knows: a job that ended in order has let go of
        its floor, or of the call."""
        self._admission.release(job.handoff_id)
        self._background(self._after(job), job.call_id)

    async def _after(self, job: ClosedJob) -> None:
        if job.exit_code != 0:
            what = "is stopped" if job.exit_code is None else f"died, exit code {job.exit_code}"
            log.warning("a job %s", what, extra={"call_id": job.call_id})
        seen = await self._patiently(lambda: self._orphaned(job))
        if seen is None:
            if job.exit_code != 0:
                self._evict(job.call_id, job.agent_id)  # LiveKit would list it for another 21 s
            return
        if self._canary is not None and job.exit_code != 0 and not self._admission.draining:
            self._canary.lost_agent()
        if not self._admission.reaches_livekit and not self._admission.draining:
            return  # LiveKit is away: the lease tells again when it is back
        present = await self._look(seen.call_id, "parent")
        if present is None:
            return
        floor = await self.guardian.seize(seen, dead_agent_id=seen.agent_id or job.agent_id)
        if floor is not None:
            exit_code = {} if job.exit_code is None else {"voicemesh.exit_code": job.exit_code}
            lost: dict[str, tracing.Value] = {"voicemesh.service": self._service, "voicemesh.detector": "parent"}
            tracing.write_lost_agent(job.call_id, job.agent_id, lost | exit_code, started_at=job.began_at)
            await self._rescue(seen, floor, "parent", present)

    async def _orphaned(self, job: ClosedJob) -> Overdue | None:
        """What is to be seized; None when the call lives on without that job, or has ended, or was never a call."""
        floor = await self._store.load_floor(job.call_id)
        # A successor that had not claimed its floor yet was awaited under another name.
        if floor is not None and floor.agent_id in (job.agent_id, job.awaited_id):
            return Overdue(job.call_id, floor.service, floor.agent_id, floor.epoch, self._count_death(job.call_id))
        if (
            job.handoff_id
        ):  # its giver has the call, and need not wait for it any longer: unless another job is the taker
            with suppress(HandoffError):
                await self._store.move(job.handoff_id, State.WITHDRAWN, taker_id=job.agent_id, reason="lost")
            return None
        if floor is not None:
            return None
        call = await self._store.load_call(job.call_id)
        if call is None:
            await self._answer_again(job)
        if call is None or call.ending is not None:
            return None
        return Overdue(job.call_id, self._service, "", 0, self._count_death(job.call_id))

    def _count_death(self, call_id: str) -> int:
        """How many deaths of the same trouble there were before this one."""
        now = asyncio.get_running_loop().time()
        recent = {call: known for call, known in self._deaths.items() if known[1] > now - _SAME_TROUBLE_SECONDS}
        before = recent[call_id][0] if call_id in recent else 0
        self._deaths = recent | {call_id: (before + 1, now)}
        return before

    async def _answer_again(self, job: ClosedJob) -> None:
        """It died before the call had a record. A caller who is there is answered anew; nobody else knows of him yet."""
        with suppress(*LIVEKIT_AWAY):
            present = await self._rooms.present(job.call_id)
            if not present.callers or set(present.agents) - {job.agent_id}:
                return
            if self._count_death(job.call_id) >= _ANSWERED_AGAIN:
                await self._end_unanswered(job, present.callers[0])
                return
            agent_id = f"{self._service}-a{uuid.uuid4().hex[:12]}"
            if self._canary is not None or not await self._launched(job.call_id, agent_id, {}):
                await self._rooms.call_in(job.call_id, self._service, {})

    async def _end_unanswered(self, job: ClosedJob, caller: Caller) -> None:
        """No agent lived long enough to open the call. It gets its record for the sake of its ending: the ledger counts it. Nobody
        is there who could tell the caller."""
        call_id = job.call_id
        log.error("a call could not be answered", extra={"call_id": call_id})
        channel = Channel.PHONE if caller.is_on_the_phone else Channel.WEB
        opened = await self._store.open_call(
            Call(call_id, channel, caller.identity, await self._store.now(), services=(self._service,))
        )
        floor = await self.guardian.seize(Overdue(call_id, self._service, "", 0, 0), dead_agent_id=job.agent_id)
        if opened.ending is None and floor is not None:  # else somebody has answered after all
            await self._end(floor, Ending.FAILED, NOBODY_COULD, "given_up")
            self._metrics.recovered(self._service, detector="parent", outcome="given_up")

    async def _patiently(self, ask: Callable[[], Coroutine[Any, Any, Overdue | None]]) -> Overdue | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STORE_BACK_SECONDS
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                if loop.time() > deadline:
                    raise
            await asyncio.sleep(_LOOK_FOR_CALLER_SECONDS)

    async def _look(self, call_id: str, detector: str) -> Present | None:
        """Who is in the room, some milliseconds after; None, after 2 s at most, when LiveKit does not answer: then the call is for
        others, and so is every other one for a while."""
        if not self._admission.reaches_livekit and not self._admission.draining:
            return None  # since this look at many calls began
        try:
            return await self._rooms.present(call_id)
        except LIVEKIT_AWAY as e:
            log.warning("LiveKit does not answer: %s", type(e).__name__, extra={"call_id": call_id})
            self._admission.livekit_did_not_answer()
            self._metrics.recovered(self._service, detector=detector, outcome="livekit_away")
            return None

    # --- what a winner does ---------------------------------------------------------------------------------------
    async def _rescue_overdue(self, seen: Overdue, floor: Floor) -> None:
        if seen.agent_id:  # who had it is gone with its main process, or is cut off: nobody else can write its span
            attributes = {"voicemesh.service": seen.service, "voicemesh.detector": "lease"}
            tracing.write_lost_agent(seen.call_id, seen.agent_id, attributes)
        await self._rescue(seen, floor, "lease")

    async def _rescue(self, seen: Overdue, floor: Floor, detector: str, present: Present | None = None) -> None:
        """``present``: who was in the room a moment ago, when that is known."""
        call = {"call_id": floor.call_id}
        log.warning("epoch %d of the call is seized for %s", floor.epoch, floor.agent_id, extra=call)
        if seen.agent_id:
            self._evict(floor.call_id, seen.agent_id)
        told: dict[str, tracing.Value] = {
            "voicemesh.service": floor.service,
            "voicemesh.detector": detector,
            "voicemesh.epoch": floor.epoch,
        }
        with tracing.span("recovery", told, call_id=floor.call_id, parent=tracing.of_call(floor.call_id)) as span:
            try:
                outcome = await self._outcome(seen, floor, detector, present)
            except LIVEKIT_AWAY as e:  # the lease passes, as it does when the store is away
                log.warning("LiveKit does not answer: %s", type(e).__name__, extra=call)
                self._admission.livekit_did_not_answer()
                outcome = "livekit_away"
            except StoreUnavailable:
                outcome = "store_away"
            except FloorLost:
                outcome = "overtaken"
            tracing.note(span, {"voicemesh.outcome": outcome})
        self._metrics.recovered(floor.service, detector=detector, outcome=outcome, call_id=floor.call_id)
        log.info("epoch %d of the call: %s", floor.epoch, outcome, extra=call)

    async def _outcome(self, seen: Overdue, floor: Floor, detector: str, present: Present | None) -> str:
        if not (present and present.callers) and not await self._caller_is_there(floor):
            # From a human nobody could tell us how it ended: that one had the call is what is known.
            ending = Ending.TRANSFERRED_TO_HUMAN if seen.service == DESK else Ending.CALLER_HUNG_UP
            return await self._end(floor, ending, CALLER_WAS_GONE, "caller_gone")
        if seen.attempts >= MOST_ATTEMPTS:
            return await self._end(floor, Ending.FAILED, NOBODY_COULD, "given_up")
        attributes = {"resume": str(floor.epoch), "agent_id": floor.agent_id, LOST_AGENT: seen.agent_id}
        own = agent_id_of(floor.agent_id, _OWN)
        may_be_ours = self._canary is None or (detector == "parent" and not seen.attempts)
        if floor.service == self._service and may_be_ours and await self._launched(floor.call_id, own, attributes):
            return "relaunched"
        dispatch_id = await self._rooms.call_in(floor.call_id, floor.service, attributes)
        self._background(self._climb_unless_answered(seen, floor, dispatch_id, detector), floor.call_id)
        return "dispatched"

    async def _launched(self, call_id: str, agent_id: str, attributes: dict[str, str]) -> bool:
        """Starts an agent in this process's own pool, when it has a place and a warm process; else another worker is faster."""
        if not self._launcher.has_warm_process or self._admission.try_admit(agent_id) is not None:
            return False
        # The place is kept until the job is counted among those that run.
        try:
            await self._launcher.launch(
                call_id, agent_id=agent_id, name=DIRECTORY[self._service].spoken_name, attributes=attributes
            )
        except Exception:  # whatever the pool raised: another worker may do better
            log.exception("no process could be had for a call", extra={"call_id": call_id})
            return False
        finally:
            self._admission.release(agent_id)
        return True

    async def _climb_unless_answered(self, seen: Overdue, floor: Floor, dispatch_id: str, detector: str) -> None:
        """A service without a free worker does not say no: its dispatch is lost. Its stand-in need not wait for the lease."""
        with suppress(*LIVEKIT_AWAY):
            if await self._is_alive(floor.service):
                await asyncio.sleep(_ANSWERED_SECONDS)
                if await self._rooms.is_answered(floor.call_id, dispatch_id):
                    return
            self._metrics.recovered(floor.service, detector=detector, outcome="nobody_took_it")
            # Who has nobody to send now has nobody a second later: no second attempt at the same service.
            attempts = max(seen.attempts + 1, OWN_ATTEMPTS)
            if attempts >= MOST_ATTEMPTS:
                return  # the last one is given its whole time
            climbed = Overdue(floor.call_id, floor.service, floor.agent_id, floor.epoch, attempts)
            next_floor = await self.guardian.seize(climbed, dead_agent_id=floor.agent_id)
            if next_floor is not None:
                await self._rescue(replace(climbed, agent_id=""), next_floor, detector)

    async def _is_alive(self, service: str) -> bool:
        """Whether any worker of the service answers, full or not: where nobody listens the answer comes at once."""
        try:
            return bool(await self._peers.pools(service))
        except WireMismatch:
            return True

    async def _caller_is_there(self, floor: Floor) -> bool:
        """Waits for one who may come back, and keeps the successor's place meanwhile: renewed, it counts as no attempt."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CALLER_BACK_SECONDS
        while not (await self._rooms.present(floor.call_id)).callers:
            if loop.time() > deadline:
                return False
            await asyncio.sleep(_LOOK_FOR_CALLER_SECONDS)
            await self._store.renew_floor(floor.call_id, epoch=floor.epoch, lease_seconds=self._recovery_seconds)
        return True

    async def _end(self, floor: Floor, ending: Ending, detail: str, outcome: str) -> str:
        await self._store.end_call(floor.call_id, epoch=floor.epoch, ending=ending, detail=detail)
        with suppress(*LIVEKIT_AWAY):
            await self._rooms.close(floor.call_id)
        return outcome

    # --- tasks ----------------------------------------------------------------------------------------------------
    def _evict(self, call_id: str, agent_id: str) -> None:
        """Beside everything else: nobody waits for it. The successor has another identity. Who was on the telephone with a
        switchboard that is lost shall not hold on to a dead line."""

        async def evict() -> None:
            with suppress(*LIVEKIT_AWAY):
                await self._rooms.evict(call_id, agent_id)
                if is_human(agent_id):
                    await self._rooms.close(consultation_of(agent_id))

        self._background(evict(), call_id)

    def _background(self, doing: Coroutine[Any, Any, None], call_id: str) -> None:
        async def done() -> None:
            try:
                await doing
            except HandoffError as e:
                log.warning("a call was not recovered: %s", e, extra={"call_id": call_id})
            except Exception:  # the lease passes, and the next guardian tries
                log.exception("a call was not recovered", extra={"call_id": call_id})

        task = asyncio.create_task(done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, seconds: float) -> None:
        """Before the process goes: lets what is being done for calls come to its end, and gives up the rest."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        await self.guardian.settle(seconds)
        while self._tasks and (left := deadline - loop.time()) > 0:  # one may begin another
            await asyncio.wait(self._tasks, timeout=left)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, self.guardian.settle(0), return_exceptions=True)
