"""Helm takes the charts without a word, from a plain checkout, and renders what it rendered before."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.charts import rendering
from tests.charts.conftest import WAYS, rendered
from tests.charts.rendering import ROOT, Rendered

GOLDEN = Path(__file__).with_name("golden")
REWRITE = ".venv/bin/python -m pytest tests/charts --rewrite-golden"


@pytest.mark.parametrize("way", WAYS)
def test_lint_finds_nothing(way: str) -> None:
    arguments = [one for one in WAYS[way][0] if one not in ("--api-versions", "monitoring.coreos.com/v1")]
    linted = rendering.run("lint", "--strict", "--quiet", *arguments)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_nothing_is_remarked(any_way: Rendered) -> None:
    """Helm tells of each symbolic link, for example."""
    assert any_way.said == ""


@pytest.mark.parametrize("way", ["trial", "production", "billing-alone"])
def test_it_renders_what_it_rendered_before(way: str, request: pytest.FixtureRequest) -> None:
    file, now = GOLDEN / f"{way}.yaml", rendered(way)
    if request.config.getoption("--rewrite-golden"):
        file.write_text(now.text)
    # By object, not by line: Helm 3 and 4 differ in blank lines.
    before = {_key(one): one for one in yaml.safe_load_all(file.read_text()) if one}
    after = {_key(one): one for one in now.objects}
    advice = f"If that is meant, look at the difference that this writes: {REWRITE}"
    assert sorted(after) == sorted(before), advice
    changed = [key for key in after if after[key] != before[key]]
    assert changed == [], advice
    assert len(after) == len(now.objects), "two objects have one name"


def _key(found: rendering.Object) -> tuple[str, str]:
    return found["kind"], found["metadata"]["name"]


def test_a_copy_that_git_makes_is_installed_without_building_anything(tmp_path: Path, trial: Rendered) -> None:
    """What is not committed yet counts as well."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "charts", "services"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    copied = subprocess.run(
        ["tar", "-cz", "--null", "-T-"], input=files.encode(), cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-xz"], input=copied.stdout, cwd=tmp_path, check=True)
    assert not [path for path in (tmp_path / "charts").rglob("*") if path.is_symlink()]
    mesh = rendering.render(*rendering.TRIAL, cwd=tmp_path)
    assert (mesh.said, mesh.text) == ("", trial.text)
    alone = rendering.render(*rendering.ALONE, release="billing", cwd=tmp_path)
    assert (alone.said, alone.ok) == ("", True)


def test_a_packed_chart_renders_the_same(tmp_path: Path, default: Rendered) -> None:
    assert rendering.run("package", "charts", "--destination", str(tmp_path)).returncode == 0
    (archive,) = tmp_path.glob("voice-mesh-*.tgz")
    assert rendering.render(str(archive)).objects == default.objects


def test_what_helm_keeps_of_a_release_holds_the_service_chart_once(tmp_path: Path) -> None:
    rendering.run("package", "charts", "--destination", str(tmp_path))
    (archive,) = tmp_path.glob("*.tgz")
    listed = subprocess.run(["tar", "-tzf", archive], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [name for name in listed if name.startswith("voice-mesh/specialist/")] == []
    assert "voice-mesh/charts/specialist/Chart.yaml" in listed


def test_the_notes_tell_what_is_there() -> None:
    if rendering.run("version", "--template", "{{.Version}}").stdout.startswith("v3."):
        pytest.skip("Helm 3 shows notes only where there is a cluster")
    arguments = [*rendering.TRIAL, "--dry-run=client", "--namespace", "mesh"]
    said = rendering.run("install", "voice-mesh", *arguments).stdout
    notes = said.partition("NOTES:")[2]
    for words in (
        "triage",
        "billing",
        "redis, postgres, livekit, speech",
        "helm -n mesh test voice-mesh",
        "port-forward",
    ):
        assert words in notes
