"""The import contracts bite: in a copy of the house, one stray import for each breaks it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from local.settings import LocalSettings
from tools import house

CONTRACTS = tomllib.loads((house.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
STRAYS = {
    "services/triage/triage/stray_peer.py": "import billing.agent",
    "services/sales/sales_mcp/stray_office.py": "import billing_mcp.tools",
    "services/billing/billing/stray_office.py": "import billing_mcp.tools",
    "services/billing/billing_mcp/stray_worker.py": "import worker.service",
    "libs/worker/worker/stray_wire.py": "from handoff.v1 import handoff_pb2",
    "libs/handoff/handoff/stray_room.py": "import livekit.rtc",
    "libs/handoff/handoff/outcome.py": "import redis",
    "services/triage/triage/stray_protobuf.py": "import google.protobuf.message",
    "local/supervisor/stray_service.py": "import triage.agent",
    "libs/worker/worker/stray_mesh.py": "import local.settings",
    "gateway/stray_worker.py": "import worker.service",
    "libs/worker/worker/stray_ledger.py": "import ledger.rows",
    "libs/ledger/ledger/stray_worker.py": "import worker.service",
    "libs/worker/worker/understanding/stray_room.py": "import livekit.rtc",
    "libs/worker/worker/main_process/stray_agent.py": "import worker.agent.call_agent",
    "libs/yaml_lines/yaml_lines/stray_call.py": "import handoff.call",
    "libs/telemetry/telemetry/stray_call.py": "import handoff.call",
    "libs/scale_down/scale_down/stray_settings.py": "import backoffice.settings",
}
"""Which file gets which line; one for each contract, in their order."""


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of the house with all the strays in it."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(house.ROOT / "pyproject.toml", copy)
    for package in house.packages():
        shutil.copytree(
            package,
            copy / package.relative_to(house.ROOT),
            ignore=shutil.ignore_patterns("__pycache__", "*.npy", "*.flac"),
        )
    for path, line in STRAYS.items():
        module = copy / path
        module.write_text((module.read_text() if module.exists() else "") + f"\n{line}\n")
    roots = [copy, *(copy / member.relative_to(house.ROOT) for member in house.members())]
    command = (Path(sys.executable).with_name("lint-imports"), "--no-cache")
    # PYTHONPATH goes before the installed members.
    env = {**LocalSettings.from_env().inherited, "PYTHONPATH": os.pathsep.join(map(str, roots)), "COLUMNS": "300"}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_there_is_a_stray_for_each_contract() -> None:
    assert len(STRAYS) == len(CONTRACTS)


@pytest.mark.parametrize("name", [contract["name"] for contract in CONTRACTS])
def test_a_stray_import_breaks_its_contract(name: str, verdict: str) -> None:
    summary = verdict.split("Broken contracts")[0]
    assert f"{name} BROKEN" in " ".join(summary.split())
