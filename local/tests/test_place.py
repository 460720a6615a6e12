"""A mesh that runs elsewhere is told by the variables that its workers have."""

import pytest

from local import cli
from local.settings import Elsewhere

THERE = {
    "LIVEKIT_URL": "ws://livekit:7880",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret",
    "REDIS_URL": "redis://redis:6379/0",
}


def test_a_mesh_elsewhere_is_told_by_its_workers_variables() -> None:
    found = Elsewhere.from_env({**THERE, "VOICEMESH_SPEECH_URL": "http://speech:8790/v1/"})
    assert found == Elsewhere("ws://livekit:7880", "key", "secret", "redis://redis:6379/0", "http://speech:8790/v1")


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="LIVEKIT_API_SECRET, REDIS_URL: not set"):
        Elsewhere.from_env({"LIVEKIT_URL": "ws://livekit:7880", "LIVEKIT_API_KEY": "key"})


def test_its_secret_is_not_printed() -> None:
    assert "secret" not in repr(Elsewhere.from_env(THERE)).replace("livekit_api_secret", "")


def test_who_says_nothing_of_the_mesh_is_told_what_to_say(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in THERE:
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["place", "general_question"]) == 2
    assert "LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, REDIS_URL: not set" in capsys.readouterr().err
