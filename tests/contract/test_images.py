"""The Dockerfile has a target for everything that is deployed, and images/*.lock holds what their members need, in the tested versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.house import ROOT, services
from tools.image_locks import FOLDER, LOCK, MEMBERS, inputs, pins

DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
OFFICES = [f"{service}-mcp" for service in services() if (ROOT / "services" / service / f"{service}_mcp").is_dir()]


def _stage(name: str) -> str:
    """What stands between its FROM and the next one."""
    found = re.search(
        rf"^FROM \S+ AS {re.escape(name)}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, flags=re.MULTILINE | re.DOTALL
    )
    assert found, f"the Dockerfile has no target {name}"
    return found[1]


@pytest.mark.parametrize("name", services())
def test_each_service_is_a_target_that_runs_the_module_of_its_name(name: str) -> None:
    assert f'ENTRYPOINT ["python", "-m", "{name}"]' in _stage(name)


@pytest.mark.parametrize("name", OFFICES)
def test_each_back_office_is_a_target_of_its_own(name: str) -> None:
    assert f'ENTRYPOINT ["python", "-m", "{name.replace("-", "_")}"]' in _stage(name)


def test_everything_that_runs_is_no_root_and_has_a_version_for_its_base() -> None:
    bases = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", DOCKERFILE, flags=re.MULTILINE))
    assert bases and all(image.partition(":")[2] not in ("", "latest") for image in bases.values())
    assert "USER 10001:10001" in _stage("run")
    assert not re.search(r"^USER (root|0)", DOCKERFILE, flags=re.MULTILINE)


def test_what_runs_takes_nothing_from_what_builds_but_what_was_built() -> None:
    stages = {name: base for base, name in STAGES}
    for name in (*services(), *OFFICES, "ledger", "scale-down", "gateway", "speech", "caller"):
        lineage = [name]
        while lineage[-1] in stages:
            lineage.append(stages[lineage[-1]])
        assert "run" in lineage and "build" not in lineage, lineage
        for stage in lineage[:-1]:
            assert "RUN " not in _stage(stage), f"{stage} installs something into what runs"


def test_dependencies_come_by_hash_only() -> None:
    for line in re.findall(r"pip .*install.*", DOCKERFILE):
        assert "--require-hashes -r images/" in line, line
    assert "--no-deps --no-index" in (FOLDER / "install").read_text()


@pytest.mark.parametrize("lock", sorted(MEMBERS))
def test_a_lock_holds_what_its_members_declare(lock: str) -> None:
    pinned = dict(_pinned(FOLDER / f"{lock}.lock"))
    for text in inputs(lock):
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version and requirement.specifier.contains(version), f"{text}: run `make lock`"


@pytest.mark.parametrize("lock", sorted(MEMBERS))
def test_an_image_runs_the_versions_that_are_tested(lock: str) -> None:
    tested = set(_pinned(LOCK))
    assert set(_pinned(FOLDER / f"{lock}.lock")) <= tested, "run `make lock`"


def test_every_member_that_is_deployed_is_in_a_lock() -> None:
    named = {member.partition("[")[0] for members in MEMBERS.values() for member in members}
    assert {f"services/{name}" for name in services()} <= named


def _pinned(lock: Path) -> list[tuple[str, str]]:
    lines = (line.partition(";")[0].partition("==") for line in pins(lock))
    return [(canonicalize_name(name), version.strip()) for name, _, version in lines]
