"""A bad environment is told at once and whole, with how to mend each variable."""

from __future__ import annotations

import pytest

from gateway.settings import Settings, SettingsError
from gateway.tests.conftest import ENVIRONMENT


def test_what_is_needed_is_little() -> None:
    settings = Settings.from_env(ENVIRONMENT)
    assert settings.public_livekit_url == settings.livekit_url
    assert settings.origins == ()


def test_all_problems_are_told_together_and_no_secret_is_quoted() -> None:
    bad = {
        "LIVEKIT_URL": "http://livekit",
        "VOICEMESH_GATEWAY_SECRET": "tooshort",
        "VOICEMESH_HTTP_PORT": "eighty",
        "VOICEMESH_ORIGINS": "www.example.com",
    }
    with pytest.raises(SettingsError) as found:
        Settings.from_env(bad)
    told = str(found.value)
    wanted = (
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "REDIS_URL",
        "GATEWAY_SECRET",
        "HTTP_PORT",
        "ORIGINS",
    )
    assert all(name in told for name in wanted)
    assert "tooshort" not in told


def test_other_sites_are_named_by_their_origin() -> None:
    settings = Settings.from_env(ENVIRONMENT | {"VOICEMESH_ORIGINS": "https://a.example, https://b.example/"})
    assert settings.origins == ("https://a.example", "https://b.example")
