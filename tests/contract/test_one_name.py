"""A service has one name; here it is walked through every place that spells it. A new service makes this pass."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
import yaml
from handoff.directory import DIRECTORY

from local.supervisor.mesh import SERVICES
from tools import house

ROOT = house.ROOT
NAMES = house.services()


def test_there_are_services() -> None:
    assert {"triage", "billing"} <= set(NAMES)


def test_the_directory_lists_exactly_the_services_that_exist() -> None:
    assert sorted(DIRECTORY) == sorted(NAMES)
    assert all(name == entry.name for name, entry in DIRECTORY.items())


def test_the_local_mesh_runs_exactly_the_services_that_exist() -> None:
    assert sorted(SERVICES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_holds_a_package_of_its_name(name: str) -> None:
    package = ROOT / "services" / name / name
    assert (package / "__init__.py").is_file()
    assert (package / "__main__.py").is_file(), f"`python -m {name}` runs it"


@pytest.mark.parametrize("name", NAMES)
def test_the_distribution_is_named_after_it_and_never_uploaded(name: str) -> None:
    project = house.project(ROOT / "services" / name)
    assert project["name"] == f"voicemesh-{name}"
    assert "Private :: Do Not Upload" in project["classifiers"]


@pytest.mark.parametrize("name", NAMES)
def test_the_service_object_carries_it(name: str) -> None:
    """It becomes the LiveKit agent_name and the metric label."""
    assert importlib.import_module(f"{name}.agent").SERVICE.name == name


@pytest.mark.parametrize("name", NAMES)
def test_it_hands_calls_to_services_that_exist(name: str) -> None:
    assert set(importlib.import_module(f"{name}.agent").SERVICE.transfers_to) <= set(DIRECTORY) - {name}


@pytest.mark.parametrize("name", NAMES)
def test_running_the_package_runs_that_service(name: str) -> None:
    imports = [
        node.module
        for node in ast.walk(house.tree(Path("services") / name / name / "__main__.py"))
        if isinstance(node, ast.ImportFrom)
    ]
    assert f"{name}.agent" in imports


@pytest.mark.parametrize("name", NAMES)
def test_a_team_owns_its_folder(name: str) -> None:
    assert re.search(rf"^/services/{name}/\s+@\S*{name}$", (ROOT / "CODEOWNERS").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_set_up_and_its_imports_are_checked(name: str) -> None:
    assert f"services/{name}" in (ROOT / "tools" / "setup").read_text()
    contracts = (ROOT / "pyproject.toml").read_text()
    assert re.search(rf'root_packages = \[.*"{name}".*\]', contracts)


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_page_and_prompts(name: str) -> None:
    assert (ROOT / "services" / name / "README.md").is_file()
    assert list((ROOT / "services" / name / name / "prompts").glob("*.md"))


# --- in Kubernetes; what Helm makes of it is looked at in tests/charts ----------------------------------------------------------


def test_the_umbrella_chart_has_exactly_the_services_that_exist() -> None:
    """Each is an alias of the one chart, and the alias becomes the name of its Deployment, Service and autoscaler."""
    dependencies = yaml.safe_load((ROOT / "charts/Chart.yaml").read_text())["dependencies"]
    assert sorted(one["alias"] for one in dependencies) == sorted(NAMES)
    assert all(one["condition"] == f"{one['alias']}.enabled" for one in dependencies)


@pytest.mark.parametrize("name", NAMES)
def test_its_values_are_the_same_in_its_folder_and_in_the_umbrella_chart(name: str) -> None:
    own = yaml.safe_load((ROOT / "services" / name / "values.yaml").read_text())
    assert own["service"] == name
    umbrella = yaml.safe_load((ROOT / "charts/values.yaml").read_text())[name]
    assert umbrella == {"enabled": True, **own}


@pytest.mark.parametrize("name", NAMES)
def test_its_back_office_in_kubernetes_is_the_one_in_its_folder(name: str) -> None:
    values = yaml.safe_load((ROOT / "services" / name / "values.yaml").read_text())
    there = [path.name for path in (ROOT / "services" / name).glob("*_mcp")]
    assert ([values["backOffice"]["module"]] if "backOffice" in values else []) == there


def test_helm_finds_the_service_chart_in_the_umbrella_as_it_is_alone() -> None:
    """It is copied, for Helm remarks on every link: `make chart-copy`."""
    source, copy = ROOT / "charts/specialist", ROOT / "charts/charts/specialist"
    read = [
        {path.relative_to(top): path.read_bytes() for path in top.rglob("*") if path.is_file()}
        for top in (source, copy)
    ]
    assert read[0] == read[1], "run `make chart-copy`"
