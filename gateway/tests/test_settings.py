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
        "VOICEMESH_METRICS_PORT": "70000",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
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
        "METRICS_PORT",
        "OTEL_EXPORTER_OTLP_ENDPOINT must start with http:// or https://",
    )
    assert all(name in told for name in wanted)
    assert "tooshort" not in told


def test_redis_may_be_one_or_watched_by_sentinels_or_a_cluster() -> None:
    for url in (
        "rediss://h?ssl_ca_certs=/ca",
        "redis+sentinel://a,b/mymaster",
        "rediss+cluster://a,b?ssl_ca_certs=/ca",
    ):
        assert Settings.from_env(ENVIRONMENT | {"REDIS_URL": url}).redis_url == url
    with pytest.raises(SettingsError, match="REDIS_URL must name the master") as refused:
        Settings.from_env(ENVIRONMENT | {"REDIS_URL": "redis+sentinel://me:s3cret@a,b"})
    assert "s3cret" not in str(refused.value)


def test_other_sites_are_named_by_their_origin() -> None:
    settings = Settings.from_env(ENVIRONMENT | {"VOICEMESH_ORIGINS": "https://a.example, https://b.example/"})
    assert settings.origins == ("https://a.example", "https://b.example")


def test_the_console_is_there_when_somebody_can_be_signed_in_to_it() -> None:
    assert not Settings.from_env(ENVIRONMENT).has_console
    assert Settings.from_env(ENVIRONMENT | {"VOICEMESH_CONSOLE_SECRET": "c" * 32}).has_console
    assert Settings.from_env(ENVIRONMENT | {"VOICEMESH_CONSOLE_READER_SECRET": "r" * 32}).has_console
    behind_a_proxy = {"VOICEMESH_CONSOLE_USER_HEADER": "X-Forwarded-User", "VOICEMESH_PROXIES": "1"}
    assert Settings.from_env(ENVIRONMENT | behind_a_proxy).has_console


@pytest.mark.parametrize(
    ("console", "told"),
    [
        ({"VOICEMESH_CONSOLE_SECRET": "c" * 31}, "VOICEMESH_CONSOLE_SECRET must have at least 32"),
        ({"VOICEMESH_CONSOLE_READER_SECRET": "r" * 31}, "VOICEMESH_CONSOLE_READER_SECRET must have at least 32"),
        (
            {"VOICEMESH_CONSOLE_SECRET": "s" * 32, "VOICEMESH_CONSOLE_READER_SECRET": "s" * 32},
            "not every viewer may read",
        ),
        ({"VOICEMESH_CONSOLE_USER_HEADER": "X-Forwarded-User"}, "VOICEMESH_PROXIES"),
    ],
    ids=["short", "short reader", "the same", "no proxy"],
)
def test_a_console_that_would_let_in_too_many_is_refused_at_boot(console: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Settings.from_env(ENVIRONMENT | console)
