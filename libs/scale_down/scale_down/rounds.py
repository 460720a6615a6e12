"""A round: list the worker pods, ask each how many calls it holds, write that on those where something else stands.

Each pod is asked and written by itself, so that one that hangs holds up no other. Nothing is carried from round to round that a
decision hangs on: what the list says is what stands there, whatever we remember to have written.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress

from aiohttp import ClientError, ClientSession, ClientTimeout

from scale_down.api import ApiTrouble, KubernetesApi, PodGone
from scale_down.health import Readiness
from scale_down.log_lines import Troubles
from scale_down.metrics import Metrics
from scale_down.pods import Pod, calls_held, cost_to_write

log = logging.getLogger("scale_down.rounds")

ASK_SECONDS = 1.0
_ASKED_AT_ONCE = 32
_WRITTEN_AT_ONCE = 8
_ANSWER_BYTES = 4096
"""A worker's answer has some hundred; it talks with strangers, and what it says is not kept in memory without a bound."""


class Rounds:
    """``run`` goes on until it is told to stop; ``once`` is one round. ``ask_seconds``: how long a pod may take to answer."""

    def __init__(
        self,
        api: KubernetesApi,
        session: ClientSession,
        *,
        pod_port: int,
        metrics: Metrics,
        readiness: Readiness,
        ask_seconds: float = ASK_SECONDS,
    ) -> None:
        self._api, self._session = api, session
        self._pod_port = pod_port
        self._metrics, self._readiness = metrics, readiness
        self._timeout = ClientTimeout(total=ask_seconds)
        self._asking, self._writing = asyncio.Semaphore(_ASKED_AT_ONCE), asyncio.Semaphore(_WRITTEN_AT_ONCE)
        self._troubles = Troubles(log)
        self._written: dict[str, str] = {}
        """By uid, to notice who else writes."""

    async def run(self, stop: asyncio.Event, *, every_seconds: float) -> None:
        """A round every so often, until ``stop``; one that takes longer is followed by the next at once."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            began = loop.time()
            try:
                await self.once()
            except Exception:  # a loop that ended would leave every cost as it is, unseen
                log.exception("a round failed")
            with suppress(TimeoutError):
                async with asyncio.timeout_at(began + every_seconds):
                    await stop.wait()

    async def once(self) -> bool:
        """Whether it was good: the API server did all that it was asked, and at least one of the pods that are ready answered."""
        try:
            pods = await self._api.worker_pods()
        except ApiTrouble as e:
            self._failed(e, "list")
            self._troubles.round_ended(saw_all=False)
            return False
        self._notice_others(pods)
        async with asyncio.TaskGroup() as group:
            looks = [(pod, group.create_task(self._look_after(pod))) for pod in pods]
        silent = [pod for pod, look in looks if look.result() is None]
        self._metrics.seen(pods=len(pods), unanswered=len(silent))
        is_cut_off = self._is_cut_off(pods, silent)
        is_good = not is_cut_off and all(look.result() is not False for _, look in looks)
        self._troubles.round_ended(saw_all=True)
        if is_good:
            self._readiness.good_round()
        return is_good

    async def _look_after(self, pod: Pod) -> bool | None:
        """None: it did not answer. False: its cost could not be written. True: it is as it should be, or the pod is gone."""
        held = await self._ask(pod)
        if held is None:
            words = f"pod {pod.name} does not say how many calls it holds: its cost stays as it is"
            self._troubles.note(f"silent {pod.uid}", words, level=logging.INFO)
            return None
        if (cost := cost_to_write(pod, held)) is None:
            return True
        self._written.pop(pod.uid, None)  # a write whose answer is lost may have been done
        try:
            async with self._writing:
                await self._api.write_cost(pod, cost)
        except PodGone as e:
            self._metrics.failed(e.reason)
            self._troubles.note(f"gone {pod.uid}", str(e), level=logging.INFO)
            return True
        except ApiTrouble as e:
            self._failed(e, "patch")
            return False
        self._written[pod.uid] = cost
        self._metrics.written()
        log.debug("pod %s: %s -> %s", pod.name, pod.cost, cost)
        return True

    async def _ask(self, pod: Pod) -> int | None:
        """With 200 and with 503 a worker says how many calls it holds."""
        url = f"http://{pod.address}:{self._pod_port}/health/ready"
        try:
            async with (
                self._asking,
                self._session.get(url, timeout=self._timeout, allow_redirects=False) as answer,
            ):
                said = bytearray()
                async for chunk in answer.content.iter_chunked(_ANSWER_BYTES):
                    said += chunk
                    if len(said) > _ANSWER_BYTES:
                        answer.close()
                        return None
            return calls_held(json.loads(said))
        except (ClientError, OSError, TimeoutError, ValueError):
            return None

    def _failed(self, trouble: ApiTrouble, verb: str) -> None:
        self._metrics.failed(trouble.reason)
        # By reason, not by words: those may differ from round to round.
        self._troubles.note(f"{verb} {trouble.reason}", str(trouble))

    def _is_cut_off(self, pods: list[Pod], silent: list[Pod]) -> bool:
        """The kubelet hears the pods on that port, and we hear none: something between us and them is shut."""
        is_cut_off = any(pod.is_ready for pod in silent) and len(silent) == len(pods)
        if is_cut_off:
            words = (
                f"no worker pod answers at its port {self._pod_port}, though Kubernetes calls them ready: does a NetworkPolicy"
                " let this pod in there?"
            )
            self._troubles.note("cut off", words)
        return is_cut_off

    def _notice_others(self, pods: list[Pod]) -> None:
        there = {pod.uid: pod for pod in pods}
        self._written = {uid: cost for uid, cost in self._written.items() if uid in there}
        for uid, cost in self._written.items():
            if there[uid].cost != cost:
                words = (
                    f"somebody else writes deletion costs (first seen on pod {there[uid].name}): both cannot be right"
                )
                self._troubles.note("others", words)
