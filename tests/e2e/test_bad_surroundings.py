"""A worker in an environment that cannot work: it ends at once with one line a problem, naming the variable to mend."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from local.settings import LocalSettings
from local.supervisor.mesh import Mesh
from local.supervisor.ports import HOST, Ports
from tests.e2e.processes import health, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNUSABLE_SETTINGS, UNUSABLE_SURROUNDINGS = 2, 3
_PATIENT_SECONDS = 40
_NOT_FOR_A_PERSON = re.compile(r"\{|[EWI]\d{4} ")
"""Log lines: ours are JSON, and gRPC's core has its own form."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker ended, and the lines that it printed for a person."""

    code: int
    lines: list[str]


async def run_worker(repo_root: Path, env: dict[str, str]) -> Ended:
    """`python -m billing` with nothing but this in its environment, until it ends by itself."""
    inherited = LocalSettings.from_env().inherited
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "billing", env={**inherited, **env}, cwd=repo_root,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_PATIENT_SECONDS):
            printed, _ = await worker.communicate()
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert worker.returncode is not None
    lines = printed.decode().splitlines()
    return Ended(worker.returncode, [line for line in lines if not _NOT_FOR_A_PERSON.match(line)])


@pytest.fixture
def ports() -> Iterator[Ports]:
    held = Ports()
    yield held
    held.release()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bare_mesh(run_dirs: Path) -> AsyncIterator[Mesh]:
    """Redis, LiveKit and one worker, which nobody calls."""
    async with Mesh(run_dirs / "bare", services=("triage",), speech_url=f"http://{HOST}:1/v1") as mesh:
        yield mesh


@pytest.fixture
def good(bare_mesh: Mesh, ports: Ports) -> dict[str, str]:
    """An environment in which billing would run."""
    return {
        "LIVEKIT_URL": bare_mesh.livekit_url,
        "LIVEKIT_API_KEY": bare_mesh.livekit_api_key,
        "LIVEKIT_API_SECRET": bare_mesh.livekit_api_secret,
        "REDIS_URL": bare_mesh.redis_url,
        "VOICEMESH_SPEECH_URL": f"http://{HOST}:1/v1",
        "VOICEMESH_BIND_HOST": HOST,
        **{f"VOICEMESH_{kind}_PORT": str(ports.pick()) for kind in ("HEALTH", "METRICS", "GRPC")},
    }


@pytest.mark.short
async def test_all_missing_settings_are_told_at_once(repo_root: Path) -> None:
    ended = await run_worker(repo_root, {"VOICEMESH_GRPC_PORT": "many"})
    assert ended.code == UNUSABLE_SETTINGS
    assert ended.lines == [
        "billing: the settings are not usable:",
        "  - LIVEKIT_URL is not set: give LiveKit's address, e.g. ws://127.0.0.1:7880",
        "  - LIVEKIT_API_KEY is not set: give an API key that the LiveKit server knows",
        "  - LIVEKIT_API_SECRET is not set: give the secret of that key",
        "  - REDIS_URL is not set: give Redis's address, e.g. redis://127.0.0.1:6379/0",
        "  - VOICEMESH_GRPC_PORT must be a whole number; give a free port for the handoff contract",
    ]


@pytest.mark.short
async def test_a_wrong_api_secret_is_told_apart_from_a_livekit_that_is_away(
    repo_root: Path, good: dict[str, str]
) -> None:
    secret = "s" * 40
    ended = await run_worker(repo_root, {**good, "LIVEKIT_API_SECRET": secret})
    place = good["LIVEKIT_URL"].removeprefix("ws://")
    assert (ended.code, ended.lines) == (
        UNUSABLE_SURROUNDINGS,
        [
            f"billing: LIVEKIT_API_SECRET: LiveKit at {place} refuses this key and secret; set LIVEKIT_API_KEY and"
            " LIVEKIT_API_SECRET to a pair of its own configuration"
        ],
    )
    assert secret not in "\n".join(ended.lines)


async def test_a_livekit_and_a_redis_that_do_not_answer_are_both_named(
    repo_root: Path, good: dict[str, str], ports: Ports
) -> None:
    nobody, nobody_either = ports.pick(), ports.pick()
    away = {"LIVEKIT_URL": f"ws://{HOST}:{nobody}", "REDIS_URL": f"redis://u:pass-word@{HOST}:{nobody_either}/0"}
    ended = await run_worker(repo_root, {**good, **away})
    assert (ended.code, ended.lines) == (
        UNUSABLE_SURROUNDINGS,
        [
            f"billing: REDIS_URL: no Redis serves us at {HOST}:{nobody_either} (Redis did not answer (ConnectionError));"
            " start it, or mend REDIS_URL",
            f"billing: LIVEKIT_URL: no LiveKit answers at {HOST}:{nobody}; start it, or mend LIVEKIT_URL",
        ],
    )


async def test_something_else_at_livekits_address_is_not_taken_for_it(
    repo_root: Path, good: dict[str, str], bare_mesh: Mesh
) -> None:
    redis_port = bare_mesh.redis_url.rpartition(":")[2].removesuffix("/0")
    ended = await run_worker(repo_root, {**good, "LIVEKIT_URL": f"ws://{HOST}:{redis_port}"})
    assert ended.code == UNUSABLE_SURROUNDINGS
    assert len(ended.lines) == 1
    assert ended.lines[0].startswith("billing: LIVEKIT_URL: ")


@pytest.mark.parametrize("kind", ["HEALTH", "METRICS", "GRPC"])
async def test_a_port_in_use_is_named_with_its_variable(repo_root: Path, good: dict[str, str], kind: str) -> None:
    variable = f"VOICEMESH_{kind}_PORT"
    port = int(good[variable])
    with socket.create_server((HOST, port)):
        ended = await run_worker(repo_root, good)
    line = f"billing: {variable}: port {port} is in use; free it, or set {variable} to a free one"
    assert (ended.code, ended.lines) == (UNUSABLE_SURROUNDINGS, [line])


async def test_a_worker_whose_livekit_goes_away_later_says_so_and_comes_back_with_it(bare_mesh: Mesh) -> None:
    async def reason() -> str:
        return str((await health(bare_mesh, "triage"))["reason"])

    async def is_cut_off() -> bool:
        return await reason() == "livekit_disconnected"

    async def is_ready() -> bool:
        return not await reason()

    worker = bare_mesh.process("triage").pid
    assert await is_ready()
    bare_mesh.process("livekit").kill()
    await until(is_cut_off, what="a worker that knows that it is cut off")
    await bare_mesh.restart("livekit")
    await until(is_ready, what="a worker that is back")
    assert bare_mesh.process("triage").is_alive
    assert bare_mesh.process("triage").pid == worker
