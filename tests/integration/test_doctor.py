"""`make doctor` on real things of this machine: nothing to say of what is well, and each mistake found, placed and mended in words."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio
import yaml
from worker.settings import Settings

from tests.integration.doctor_mistakes import MISTAKES, PATIENT_SECONDS, Mistake, patient
from tests.integration.doctor_stage import PROMETHEUS, Stage, recorded, staged, with_certificates
from tools.doctor.checks import room
from tools.doctor.checks.room import COMPOSE_POD
from tools.doctor.examination import Check, examine
from tools.doctor.kubectl import Cluster, KubectlFailed, kubectl
from tools.doctor.results import Result, Skipped, Verdict, exit_code_of, lines_of
from tools.doctor.table import CHECKS, ON_KUBERNETES
from tools.doctor.target import COMPOSE_HOSTS, SERVICES, Kind, Target, of_cluster, of_files, read_env

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A mesh with which all is well."""
    async with staged(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


def told(results: list[Result]) -> str:
    return "\n".join(line for result in results for line in lines_of(result))


async def test_a_mesh_with_which_all_is_well_is_told_so(stage: Stage) -> None:
    results = await examine(with_certificates(stage, stage.target()), patient(CHECKS))
    assert {result.verdict for result in results} == {Verdict.OK, Verdict.SKIPPED}, told(results)
    looked = {result.name for result in results if result.verdict is Verdict.OK}
    assert looked >= {
        "settings", "secrets", "livekit.reachable", "livekit.credentials", "livekit.version", "clock", "redis.reachable",
        "redis.version", "redis.persistence", "redis.eviction", "redis.memory", "redis.access", "databases.ledger",
        "services.workers", "services.grpc", "capacity", "drain", "certificates.services", "speech", "calls.endings",
        "calls.callbacks",
    }  # fmt: skip
    assert exit_code_of(results) == 0


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
async def test_a_mistake_is_found_and_its_mending_line_names_what_to_mend(stage: Stage, mistake: Mistake) -> None:
    if mistake.needs_prometheus and PROMETHEUS is None:
        pytest.skip("no prometheus on the PATH")
    result = await mistake.examined(stage)
    assert result.verdict is mistake.verdict, told([result])
    trouble = next((each for each in result.troubles if mistake.found in each.what), None)
    assert trouble is not None, told([result])
    assert mistake.where in trouble.where
    assert mistake.mend in trouble.mend


async def test_after_each_mistake_was_put_right_all_is_well_again(stage: Stage) -> None:
    results = await examine(with_certificates(stage, stage.target()), patient(CHECKS))
    assert {result.verdict for result in results} == {Verdict.OK, Verdict.SKIPPED}, told(results)


async def test_no_secret_is_in_what_doctor_says(stage: Stage) -> None:
    """Of a mesh in which everything is wrong at once."""
    planted = {
        "LIVEKIT_API_SECRET": "canary-livekit-secret",
        "VOICEMESH_SEAL_KEY": "canary-seal-key",
        "OPENAI_API_KEY": "canary-openai-key",
        "REDIS_URL": "redis://user:canary-redis-password@127.0.0.1:1/0",
        "DATABASE_URL": "postgresql+psycopg://ledger:canary-database-password@127.0.0.1:1/ledger",
        "LIVEKIT_URL": "ws://127.0.0.1:1",
        "VOICEMESH_SPEECH_URL": "http://127.0.0.1:1/v1",
    }
    results = await examine(stage.target(**planted), patient(CHECKS))
    assert exit_code_of(results) == 1
    assert "canary" not in told(results) + json.dumps([result.as_json() for result in results])


async def test_what_is_away_is_told_once_and_the_rest_is_looked_at(stage: Stage) -> None:
    target = with_certificates(stage, stage.target(REDIS_URL="redis://127.0.0.1:1/0"))
    results = {result.name: result for result in await examine(target, patient(CHECKS))}
    failed = {name for name, result in results.items() if result.verdict is Verdict.FAIL}
    assert failed == {"redis.reachable"}
    assert "see redis.reachable" in results["redis.persistence"].told
    assert results["livekit.version"].verdict is Verdict.OK


async def test_a_check_that_hangs_or_breaks_says_nothing_of_the_others(stage: Stage) -> None:
    async def hangs(target: Target) -> str:
        await asyncio.Event().wait()
        return ""

    async def breaks(target: Target) -> str:
        raise RuntimeError("postgresql://ledger:canary@10.0.0.1")

    async def is_well(target: Target) -> str:
        return "well"

    checks = (Check("hangs", hangs, 0.05), Check("breaks", breaks), Check("is_well", is_well))
    hung, broke, well = await examine(stage.target(), checks)
    assert (hung.verdict, broke.verdict, well.verdict) == (Verdict.FAIL, Verdict.WARN, Verdict.OK)
    assert "no answer within 0.05 s" in told([hung])
    assert "canary" not in told([broke])


# --- the command ------------------------------------------------------------------------------------------------------
async def run(repo_root: Path, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tools.doctor", *arguments, cwd=repo_root, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENT_SECONDS):
        printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


def env_file(stage: Stage, folder: Path, **changed: str) -> Path:
    path = folder / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in (stage.env | changed).items()))
    return path


async def test_the_command_reads_an_env_file_and_its_exit_code_says_what_it_found(
    stage: Stage, tmp_path: Path, repo_root: Path
) -> None:
    only = ("--only", "redis", "livekit.credentials", "--json")
    code, printed = await run(repo_root, "--env-file", str(env_file(stage, tmp_path)), *only)
    assert code == 0, printed
    found = json.loads(printed)
    assert found["is_well"] is True
    assert {check["check"] for check in found["checks"]} == {
        "redis.reachable", "redis.version", "redis.persistence", "redis.eviction", "redis.memory", "redis.access",
        "livekit.credentials",
    }  # fmt: skip
    wrong = env_file(stage, tmp_path, LIVEKIT_API_SECRET="another-secret-of-thirty-two-signs-xyz")
    code, printed = await run(repo_root, "--env-file", str(wrong), *only)
    assert code == 1
    found = json.loads(printed)
    assert [check["check"] for check in found["checks"] if check["verdict"] == "FAIL"] == ["livekit.credentials"]
    assert found["checks"][0]["troubles"][0].keys() == {"what", "where", "mend", "is_fatal"}


async def test_a_mesh_that_is_not_named_and_a_check_that_is_none_are_wrong_commands(
    tmp_path: Path, repo_root: Path
) -> None:
    code, _ = await run(repo_root, "--env-file", str(tmp_path / "not-there"))
    assert code == 2
    (tmp_path / ".env").write_text("REDIS_URL=redis://127.0.0.1:1/0\n")
    code, _ = await run(repo_root, "--env-file", str(tmp_path / ".env"), "--only", "tarot")
    assert code == 2


# --- a cluster --------------------------------------------------------------------------------------------------------
async def test_a_release_with_which_all_is_well_is_told_so() -> None:
    results = await examine(of_cluster(Cluster("voice-mesh", recorded())), patient(ON_KUBERNETES))
    assert {result.verdict for result in results if result.name.startswith("k8s.")} == {Verdict.OK}, told(results)


@pytest.mark.parametrize(
    ("length", "told_"), [(0, "is a sample that everybody can read"), (20, "is shorter than 32 characters")]
)
async def test_a_weak_secret_of_a_cluster_is_found_by_its_length_and_comparison_alone(length: int, told_: str) -> None:
    cluster = recorded()
    cluster.secrets["livekit-credentials", "LIVEKIT_API_SECRET"] = length
    target = of_cluster(Cluster("voice-mesh", cluster))
    (result,) = await examine(target, patient(ON_KUBERNETES, "k8s.secrets"))
    assert [each.what for each in result.troubles] == [f"LIVEKIT_API_SECRET {told_}"]


async def test_a_pods_own_look_runs_with_a_workers_variables_and_tells_what_it_sees(stage: Stage) -> None:
    """The same text as is piped into a pod, in a process that has nothing but a worker's variables."""

    class Piped(type(recorded())):  # type: ignore[misc]
        async def __call__(self, *arguments: str, input: str = "") -> str:
            if arguments[0] != "exec":
                return str(await super().__call__(*arguments, input=input))
            env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **stage.env}
            process = await asyncio.create_subprocess_exec(
                sys.executable, *arguments[arguments.index("python") + 1 :], env=env,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            async with asyncio.timeout(PATIENT_SECONDS):
                printed, _ = await process.communicate(input.encode())
            return printed.decode()

    there = recorded()
    piped = Piped(there.objects, there.inside)
    inside = patient(ON_KUBERNETES, "k8s.inside")
    (result,) = await examine(of_cluster(Cluster("voice-mesh", piped)), inside)
    assert result.verdict is Verdict.OK, told([result])
    assert "1 triage, 1 billing" in result.told
    await stage.forget("sales")
    try:
        (result,) = await examine(of_cluster(Cluster("voice-mesh", piped)), inside)
    finally:
        await stage.note("sales")
    assert [each.what for each in result.troubles] == ["no worker of sales has told of itself: no call can go there"]


async def test_kubectls_own_words_are_passed_on_when_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "kubectl"
    refusing.write_text('#!/bin/sh\necho "$@" >"$0.asked"\necho "Error: deployments is forbidden" >&2\nexit 1\n')
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(KubectlFailed, match="deployments is forbidden"):
        await kubectl("calls")("get", "deployments")
    assert (tmp_path / "kubectl.asked").read_text().startswith("--namespace calls ")
    (result,) = await examine(of_cluster(Cluster("calls", kubectl("calls"))), ON_KUBERNETES[:1])
    assert "deployments is forbidden" in told([result])
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(Skipped, match="kubectl is not on the PATH"):
        kubectl("calls")


async def test_of_a_secret_kubectl_is_asked_names_lengths_and_a_comparison_never_a_value() -> None:
    asked: list[tuple[str, ...]] = []

    async def ask(*arguments: str, input: str = "") -> str:
        asked.append(arguments)
        return "livekit-credentials LIVEKIT_API_SECRET 44 own\nlivekit-credentials LIVEKIT_API_KEY 12 sample\n"

    held = await Cluster("", ask).secrets(("devkey",))
    assert held["livekit-credentials", "LIVEKIT_API_KEY"].is_sample
    assert not held["livekit-credentials", "LIVEKIT_API_SECRET"].is_sample
    ((*_, form, template),) = asked
    assert form == "-o"
    assert template.startswith("go-template=")
    # What is printed: a name, a key, a length and a word.
    assert template.count("{{$n}} {{$k}} {{len $v}}") == 1
    assert "{{$v}}" not in template
    assert "ZGV2a2V5" in template  # devkey, as a Secret holds it


async def test_a_door_with_a_good_certificate_is_well(stage: Stage) -> None:
    port, authority = await stage.tls_end("localhost")
    target = stage.target(REDIS_URL=f"rediss://localhost:{port}/0?ssl_ca_certs={authority}")
    (result,) = await examine(target, patient(CHECKS, "certificates.endpoints"))
    assert (result.verdict, result.told) == (Verdict.OK, "1 places, trusted and good for 14 days"), told([result])


async def test_an_env_file_is_read_as_a_shell_would_and_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# a comment\n\nexport A=1\nB='two words'\nC=\"x=y\"\nD=\n")
    assert read_env(path) == {"A": "1", "B": "two words", "C": "x=y", "D": ""}
    path.write_text("A=1\nnonsense\n")
    with pytest.raises(ValueError, match=r"\.env:2: not NAME=value"):
        read_env(path)


async def test_processes_with_files_of_their_own_have_the_common_ones_as_well(tmp_path: Path) -> None:
    common, own = tmp_path / "common.env", tmp_path / "billing.env"
    common.write_text("REDIS_URL=redis://127.0.0.1:6379/0\nLIVEKIT_URL=ws://127.0.0.1:7880\n")
    own.write_text("VOICEMESH_MAX_SESSIONS=3\n")
    target = of_files({"": common, "billing": own})
    assert target.of("billing")["VOICEMESH_MAX_SESSIONS"] == "3"
    assert target.of("billing")["REDIS_URL"] == target.of("triage")["REDIS_URL"]
    assert "VOICEMESH_MAX_SESSIONS" not in target.of("triage")


# --- what it stands on -------------------------------------------------------------------------------------------------
async def test_what_doctor_believes_of_docker_compose_is_what_stands_there(repo_root: Path) -> None:
    compose = yaml.safe_load((repo_root / "docker-compose.yml").read_text())
    worker = compose["services"]["billing"]
    assert (worker["cpus"], worker["mem_limit"]) == (COMPOSE_POD.cores, f"{COMPOSE_POD.gib}g")
    assert worker["stop_grace_period"] == "90s"
    assert worker["environment"]["VOICEMESH_DRAIN_SECONDS"] == COMPOSE_HOSTS["VOICEMESH_DRAIN_SECONDS"]
    assert compose["services"]["livekit"]["ports"][0] == "127.0.0.1:7880:7880"


async def test_a_file_of_make_env_file_is_known_as_docker_composes(tmp_path: Path, repo_root: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        str(repo_root / "tools/env-file"), str(tmp_path / ".env"), stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0
    target = of_files({"": tmp_path / ".env"})
    assert target.kind is Kind.COMPOSE
    assert target.grace_seconds == 90
    assert set(target.workers) == set(SERVICES)
    Settings.from_env(target.of("triage"))
    results = {
        result.name: result
        for result in await examine(
            target, [c for c in CHECKS if c.name in ("settings", "secrets", "drain", "capacity")]
        )
    }
    assert {result.verdict for result in results.values()} == {Verdict.OK}, told(list(results.values()))


async def test_how_long_a_drain_may_take_is_told_in_seconds() -> None:
    workers = {"billing": 30, "sales": 20}
    target = SimpleNamespace(
        workers=workers,
        worker=lambda service: SimpleNamespace(drain_seconds=workers[service]),
        grace_seconds=60.0,
        home="a test",
    )
    assert await room.drain(target) == ("drains of 30 s, killed after 60 s", [])  # type: ignore[arg-type]
