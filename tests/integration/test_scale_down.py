"""Scale-down over real connections: an API server with TLS and a token, and pods on addresses of their own."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from scale_down.api import KubernetesApi
from scale_down.health import Readiness
from scale_down.metrics import Metrics
from scale_down.rounds import Rounds
from scale_down.run import client
from scale_down.settings import Settings

from tests.integration.kubernetes_api import COST, HOST, NAMESPACE, Cluster, Worker, cluster

PATIENT_SECONDS = 60.0


def busy() -> Worker:
    return Worker("billing-busy", "127.0.0.2", calls=3)


def idle() -> Worker:
    return Worker("billing-idle", "127.0.0.3")


class Watched:
    """Rounds over a cluster, made one at a time."""

    def __init__(self, cluster: Cluster, rounds: Rounds, metrics: Metrics, readiness: Readiness) -> None:
        self.cluster, self.rounds, self.readiness = cluster, rounds, readiness
        self._metrics = metrics

    async def round(self) -> bool:
        return await self.rounds.once()

    async def until_written(self, name: str) -> None:
        """Rounds, until that pod has a cost: on a busy machine a pod may be late with its answer, and is asked again."""
        while self.cluster.costs()[name] is None:
            await self.rounds.once()

    def metric(self, name: str, **labels: str) -> float | None:
        return self._metrics.registry.get_sample_value(f"voicemesh_scale_down_{name}", labels)


Watch = Callable[..., Awaitable[Watched]]


@pytest.fixture
async def watch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Watch]:
    """Makes a cluster of these pods, and what looks after them."""
    caplog.set_level(logging.INFO, logger="scale_down")
    async with AsyncExitStack() as closing:

        async def made(*workers: Worker, ask_seconds: float = PATIENT_SECONDS) -> Watched:
            there = await closing.enter_async_context(cluster(tmp_path, *workers))
            session = await closing.enter_async_context(client())
            settings = Settings(
                api_host=HOST, api_port=there.port, namespace=NAMESPACE, account_dir=tmp_path, pod_port=there.pod_port
            )
            readiness = Readiness()
            metrics = Metrics(lag=lambda: readiness.lag_seconds)
            rounds = Rounds(
                KubernetesApi(settings, session),
                session,
                pod_port=there.pod_port,
                metrics=metrics,
                readiness=readiness,
                ask_seconds=ask_seconds,
            )
            return Watched(there, rounds, metrics, readiness)

        yield made


async def test_each_pod_has_as_its_cost_the_number_of_its_calls(watch: Watch) -> None:
    watched = await watch(busy(), idle())
    assert await watched.round()
    assert watched.cluster.costs() == {"billing-busy": "3", "billing-idle": "0"}
    assert watched.readiness.reason == ""
    assert (watched.metric("pods"), watched.metric("patches_total")) == (2, 2)


async def test_a_patch_is_what_kubernetes_wants(watch: Watch) -> None:
    watched = await watch(busy())
    await watched.round()
    (patch,) = watched.cluster.patches
    assert patch.content_type == "application/merge-patch+json"
    assert patch.body == {"metadata": {"uid": "uid-billing-busy", "annotations": {COST: "3"}}}


async def test_only_worker_pods_are_asked_for(watch: Watch) -> None:
    watched = await watch(busy())
    await watched.round()
    selector = "app.kubernetes.io/part-of=voice-mesh,app.kubernetes.io/component=worker"
    assert watched.cluster.queries == [{"labelSelector": selector}]


async def test_a_cost_is_written_only_when_it_has_changed(watch: Watch) -> None:
    worker = busy()
    watched = await watch(worker, idle())
    for _ in range(3):
        await watched.round()
    assert len(watched.cluster.patches) == 2
    worker.calls = 4
    await watched.round()
    assert [patch.cost for patch in watched.cluster.patches[2:]] == ["4"]


async def test_what_the_list_says_goes_before_what_was_written(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    worker = busy()
    watched = await watch(worker)
    await watched.round()
    for _ in range(3):
        worker.annotations[COST] = "7"
        await watched.round()
        assert worker.annotations[COST] == "3"
    assert sum("somebody else writes" in message for message in caplog.messages) == 1


async def test_other_annotations_stay(watch: Watch) -> None:
    worker = busy()
    worker.annotations["prometheus.io/scrape"] = "true"
    watched = await watch(worker)
    await watched.round()
    assert worker.annotations == {"prometheus.io/scrape": "true", COST: "3"}


async def test_a_draining_or_full_pod_costs_what_it_holds(watch: Watch) -> None:
    worker = Worker("billing-draining", "127.0.0.2", calls=2, status=503, is_ready=False)
    watched = await watch(worker)
    assert await watched.round()
    assert watched.cluster.costs() == {"billing-draining": "2"}


async def test_a_pod_that_hangs_does_not_hold_up_the_rest(watch: Watch) -> None:
    hanging = Worker("billing-hanging", "127.0.0.4", calls=5, annotations={COST: "5"}, hangs=asyncio.Event())
    watched = await watch(hanging, busy(), idle())
    round_ = asyncio.create_task(watched.round())
    await watched.cluster.until(lambda: len(watched.cluster.patches) == 2)
    assert not round_.done()
    assert watched.cluster.costs() == {"billing-hanging": "5", "billing-busy": "3", "billing-idle": "0"}
    assert hanging.hangs is not None
    hanging.hangs.set()
    assert await round_


async def test_a_pod_that_does_not_answer_keeps_its_cost(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    hanging = Worker("billing-hanging", "127.0.0.4", annotations={COST: "5"}, hangs=asyncio.Event())
    watched = await watch(hanging, busy(), ask_seconds=0.2)
    await watched.until_written("billing-busy")
    for _ in range(2):
        await watched.round()
    assert watched.cluster.costs()["billing-hanging"] == "5"
    assert (watched.metric("pods_unanswered") or 0) >= 1
    assert sum("billing-hanging does not say" in message for message in caplog.messages) == 1


@pytest.mark.parametrize(
    "body", [b"no json", b'{"active_sessions": "9"}', b"[]", b'{"active_sessions": 9, "x": "' + b"x" * 100_000 + b'"}']
)
async def test_a_pod_that_answers_nonsense_keeps_its_cost(watch: Watch, body: bytes) -> None:
    odd = Worker("billing-odd", "127.0.0.4", annotations={COST: "5"}, body=body)
    watched = await watch(odd, busy())
    assert await watched.round()
    assert watched.cluster.costs() == {"billing-odd": "5", "billing-busy": "3"}


async def test_many_pods_that_hang_do_not_hold_up_the_rest_for_ever(watch: Watch) -> None:
    """More than are asked at once."""
    hanging = [Worker(f"billing-{n}", f"127.0.1.{n}", hangs=asyncio.Event()) for n in range(1, 41)]
    watched = await watch(*hanging, busy(), ask_seconds=0.2)
    await watched.until_written("billing-busy")
    assert watched.cluster.costs()["billing-busy"] == "3"
    assert watched.metric("pods_unanswered") == 40


async def test_when_no_ready_pod_lets_us_in_it_is_told_and_no_round_is_good(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = busy()
    watched = await watch(worker)
    worker.body = b"not for you"
    assert not await watched.round()
    assert not await watched.round()
    assert watched.readiness.reason == "no_round_yet"
    assert sum("NetworkPolicy" in message for message in caplog.messages) == 1


async def test_pods_that_are_still_starting_are_no_reason_to_complain(watch: Watch) -> None:
    watched = await watch(Worker("billing-new", "127.0.0.2", is_ready=False, body=b"starting"))
    assert await watched.round()


@pytest.mark.parametrize("verb", ["list", "patch"])
async def test_a_missing_right_is_named_once_with_the_rule_that_gives_it(
    watch: Watch, caplog: pytest.LogCaptureFixture, verb: str
) -> None:
    watched = await watch(busy(), idle())
    watched.cluster.forbidden.add(verb)
    for _ in range(3):
        assert not await watched.round()
    assert len(caplog.messages) == 1
    assert f"may not {verb} pods of namespace {NAMESPACE}" in caplog.messages[0]
    assert 'apiGroups [""], resources ["pods"], verbs ["list", "patch"]' in caplog.messages[0]
    assert f'cannot {verb} resource "pods"' in caplog.messages[0]
    assert (watched.metric("failures_total", reason="forbidden") or 0) >= 3
    watched.cluster.forbidden.clear()
    assert await watched.round()
    assert watched.cluster.costs() == {"billing-busy": "3", "billing-idle": "0"}
    assert caplog.messages[-1].startswith("over: ")


async def test_an_api_server_that_is_away_is_told_of_once_and_waited_for(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = busy()
    watched = await watch(worker)
    await watched.round()
    await watched.cluster.shut()
    worker.calls = 1
    for _ in range(3):
        assert not await watched.round()
    assert sum("does not answer" in message for message in caplog.messages) == 1
    assert watched.metric("failures_total", reason="unreachable") == 3
    await watched.cluster.open()
    assert await watched.round()
    assert watched.cluster.costs() == {"billing-busy": "1"}
    assert caplog.messages[-1].startswith("over: the API server does not answer")


async def test_a_renewed_token_is_read_without_a_restart(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    watched = await watch(busy())
    await watched.round()
    watched.cluster.token = "token-2"
    assert not await watched.round()
    assert "(401)" in caplog.messages[-1]
    watched.cluster.mount("token-2")
    assert await watched.round()


async def test_a_token_that_cannot_be_read_is_a_trouble_and_no_crash(
    watch: Watch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched = await watch(busy())
    (tmp_path / "token").unlink()
    assert not await watched.round()
    assert "cannot be read" in caplog.messages[-1]


async def test_another_authority_is_not_trusted_until_it_is_mounted(watch: Watch, tmp_path: Path) -> None:
    watched = await watch(busy())
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    stranger = Cluster(theirs)
    own = (tmp_path / "ca.crt").read_text()
    shutil.copy(stranger.folder / "ca.crt", tmp_path / "ca.crt")
    assert not await watched.round()
    assert watched.cluster.lists == 0
    (tmp_path / "ca.crt").write_text(own)
    assert await watched.round()


async def test_an_empty_authority_trusts_nobody(watch: Watch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watched = await watch(busy())
    (tmp_path / "ca.crt").write_text("")
    assert not await watched.round()
    assert "holds no certificate" in caplog.messages[-1]


@pytest.mark.parametrize("status", [404, 409, 422])
async def test_a_pod_that_went_between_list_and_patch_is_told_of_once_and_fails_no_round(
    watch: Watch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    watched = await watch(busy(), idle())
    watched.cluster.gone["billing-busy"] = status
    for _ in range(3):
        assert await watched.round()
    assert watched.cluster.costs() == {"billing-busy": None, "billing-idle": "0"}
    assert [message for message in caplog.messages if "went" in message] == [
        "pod billing-busy went before its cost could be written"
    ]


async def test_a_pod_of_the_same_name_is_not_written_on_by_mistake(watch: Watch) -> None:
    worker = Worker("billing-0", "127.0.0.2", calls=3, hangs=asyncio.Event())
    watched = await watch(worker)
    round_ = asyncio.create_task(watched.round())
    await watched.cluster.until(lambda: watched.cluster.lists == 1)
    worker.uid = "uid-of-its-successor"
    assert worker.hangs is not None
    worker.hangs.set()
    assert await round_
    assert watched.cluster.patches == []


async def test_rounds_go_on_whatever_happens_until_they_are_told_to_stop(watch: Watch) -> None:
    watched = await watch(busy())
    stop = asyncio.Event()
    running = asyncio.create_task(watched.rounds.run(stop, every_seconds=0.02))
    await watched.cluster.until(lambda: watched.cluster.lists >= 2)
    await watched.cluster.shut()
    await watched.cluster.open()
    seen = watched.cluster.lists
    await watched.cluster.until(lambda: watched.cluster.lists >= seen + 2)
    stop.set()
    await running
