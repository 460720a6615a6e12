"""A release touches one service, says what is missing, and goes back to the version that ran before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools import release
from tools.house import ROOT, project
from tools.release import Place, ReleaseFailed

ALONE = Place("billing", "charts/specialist", "", 3)
IN_THE_MESH = Place("voice-mesh", "charts", "billing.", 3)


class Helm:
    """Answers as helm does, from what it is given."""

    def __init__(
        self, releases: list[dict[str, Any]], tags: dict[int, Any], statuses: dict[int, str] | None = None
    ) -> None:
        self.releases, self.values, self.statuses = releases, tags, statuses or {}

    def __call__(self, *arguments: str, is_shown: bool = False) -> str:
        if arguments[0] == "list":
            return json.dumps(self.releases)
        if arguments[0] == "history":
            return json.dumps([{"revision": r, "status": self.statuses.get(r, "superseded")} for r in self.values])
        revision = int(arguments[arguments.index("--revision") + 1]) if "--revision" in arguments else max(self.values)
        return json.dumps(self.values[revision])


def _mesh(tag: str) -> dict[str, Any]:
    return {"billing": {"image": {"tag": tag}}, "sales": {"image": {"tag": "0.1.0"}}}


def test_a_service_with_a_release_of_its_own_is_upgraded_there() -> None:
    entries = [
        {"name": "voice-mesh", "chart": "voice-mesh-0.1.0", "revision": "7"},
        {"name": "billing", "chart": "specialist-0.1.0", "revision": "3"},
    ]
    assert release.place_of("billing", Helm(entries, {})) == ALONE
    assert release.place_of("sales", Helm(entries, {})) == Place("voice-mesh", "charts", "sales.", 7)


def test_where_nothing_is_installed_a_service_gets_a_release_of_its_own() -> None:
    assert release.place_of("billing", Helm([], {})) == Place("billing", "charts/specialist", "", 0)


def test_in_the_whole_meshs_release_only_this_services_values_are_set() -> None:
    settings = release.release_settings("0.2.0", canary=0)
    arguments = release.upgrade(IN_THE_MESH, "billing", settings, registry="", timeout="1m")
    changed = [arguments[at + 1] for at, word in enumerate(arguments) if word.startswith("--set")]
    assert changed == ["billing.canary.enabled=false", "billing.image.tag=0.2.0"]
    assert "--reset-then-reuse-values" in arguments


def test_a_canary_leaves_the_version_of_all_others_alone() -> None:
    settings = release.release_settings("0.2.0", canary=10)
    assert settings["canary.weight"] == "10" and settings["canary.image.tag"] == "0.2.0"
    assert not any(name.startswith("image.") for name in settings)


def test_back_means_the_last_version_that_ran_and_was_another_one() -> None:
    history = {1: _mesh("0.1.0"), 2: _mesh("0.2.0"), 3: _mesh("0.2.0")}
    assert release.version_before(IN_THE_MESH, Helm([], history)) == "0.1.0"


def test_a_version_whose_pods_never_got_ready_is_not_gone_back_to() -> None:
    history = {1: _mesh("0.1.0"), 2: _mesh("0.1.9"), 3: _mesh("0.2.0")}
    assert release.version_before(IN_THE_MESH, Helm([], history, {2: "failed"})) == "0.1.0"


def test_the_charts_own_version_is_one_to_go_back_to() -> None:
    assert release.version_before(ALONE, Helm([], {1: {}, 3: {"image": {"tag": "0.2.0"}}})) == ""


def test_without_another_version_there_is_nothing_to_go_back_to() -> None:
    with pytest.raises(ReleaseFailed, match="nothing to go back to"):
        release.version_before(ALONE, Helm([], {3: {"image": {"tag": "0.2.0"}}}))


def test_a_version_is_stated_where_the_team_and_its_callers_read_it() -> None:
    now = project(ROOT / "services/billing")["version"]
    assert release.problems_of("billing", now, f"- **billing {now}**: ...") == []
    assert "CHANGELOG.md" in release.problems_of("billing", now, "")[0]
    assert "pyproject.toml" in release.problems_of("billing", "99.0.0", "billing 99.0.0")[0]
    assert release.problems_of("billing", f"{now}-rc1", "") == [], "a try-out needs no line"
    assert "three numbers" in release.problems_of("billing", "latest", "")[0]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["banking", "0.2.0"], "no such service"),
        (["billing"], "VERSION"),
        (["billing", "0.2.0", "--canary", "90"], "1 to 50"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(arguments) == 2
    assert told in capsys.readouterr().err
