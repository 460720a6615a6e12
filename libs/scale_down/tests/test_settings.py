"""What the environment and the mounted ServiceAccount say, and what is told when they are unusable."""

from __future__ import annotations

from pathlib import Path

import pytest
from scale_down.settings import Settings, SettingsError


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """A ServiceAccount's volume."""
    for name, text in (("token", "t0ken"), ("ca.crt", "a certificate"), ("namespace", "calls\n")):
        (tmp_path / name).write_text(text)
    return tmp_path


def environment(account: Path, **changes: str) -> dict[str, str]:
    return {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "6443",
        "VOICEMESH_SCALE_DOWN_ACCOUNT_DIR": str(account),
    } | changes


def problems(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as told:
        Settings.from_env(environ)
    return "\n".join(told.value.problems)


def test_what_kubernetes_tells_every_pod_is_enough(account: Path) -> None:
    settings = Settings.from_env(environment(account))
    assert (settings.api_host, settings.api_port, settings.namespace) == ("10.96.0.1", 6443, "calls")
    assert (settings.round_seconds, settings.pod_port) == (2.0, 8080)


def test_a_named_namespace_goes_before_the_mounted_one(account: Path) -> None:
    assert Settings.from_env(environment(account, POD_NAMESPACE="other")).namespace == "other"


def test_outside_of_a_cluster_everything_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    told = problems({"VOICEMESH_SCALE_DOWN_ACCOUNT_DIR": str(tmp_path)})
    assert "KUBERNETES_SERVICE_HOST is not set" in told
    assert "no token and no ca.crt" in told
    assert "automountServiceAccountToken" in told
    assert "POD_NAMESPACE is not set" in told


@pytest.mark.parametrize("name", ["token", "ca.crt"])
def test_an_empty_file_is_as_good_as_none(account: Path, name: str) -> None:
    (account / name).write_text("\n")
    assert f"no {name} in" in problems(environment(account))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("VOICEMESH_SCALE_DOWN_SECONDS", "0"),
        ("VOICEMESH_SCALE_DOWN_SECONDS", "60"),
        ("VOICEMESH_SCALE_DOWN_SECONDS", "nan"),
        ("VOICEMESH_SCALE_DOWN_SECONDS", "soon"),
        ("VOICEMESH_SCALE_DOWN_POD_PORT", "http"),
        ("VOICEMESH_HEALTH_PORT", "70000"),
        ("VOICEMESH_METRICS_PORT", "-1"),
        ("VOICEMESH_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_that_cannot_be_is_named(account: Path, name: str, raw: str) -> None:
    assert problems(environment(account, **{name: raw})).startswith(f"{name} must be")
