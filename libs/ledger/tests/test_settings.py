"""What the ledger is told by its environment; every problem at once, no value quoted."""

from __future__ import annotations

import pytest
from ledger.settings import Settings, SettingsError


def test_the_address_of_redis_is_all_that_it_must_be_told() -> None:
    assert Settings.from_env({"REDIS_URL": "redis://h:6379/0"}) == Settings(
        database_url="sqlite:///ledger.db", redis_url="redis://h:6379/0"
    )


def test_who_only_looks_needs_no_redis() -> None:
    assert Settings.from_env({}, needs_redis=False) == Settings(database_url="sqlite:///ledger.db")


def test_everything_is_read() -> None:
    settings = Settings.from_env(
        {
            "DATABASE_URL": "postgresql://me:s3cret@h/ledger",
            "REDIS_URL": "rediss://me:s3cret@h/1",
            "VOICEMESH_LOG_LEVEL": "debug",
            "VOICEMESH_BIND_HOST": "127.0.0.1",
            "VOICEMESH_HEALTH_PORT": "1",
            "VOICEMESH_METRICS_PORT": "2",
            "VOICEMESH_LEDGER_POLL_SECONDS": "0.1",
            "VOICEMESH_LEDGER_WATCH_SECONDS": "1",
            "VOICEMESH_ENDING_BOUND_SECONDS": "60",
            "VOICEMESH_CALL_TTL_SECONDS": "7200",
            "VOICEMESH_CALLBACK_AFTER_SECONDS": "0",
            "VOICEMESH_CALLBACK_TIME_ZONE": "Asia/Tokyo",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector",
        }
    )
    assert settings.database_url == "postgresql+psycopg://me:s3cret@h/ledger"
    assert (settings.bind_host, settings.health_port, settings.metrics_port) == ("127.0.0.1", 1, 2)
    assert (settings.poll_seconds, settings.watch_seconds, settings.ending_bound_seconds) == (0.1, 1.0, 60.0)
    assert (settings.call_ttl_seconds, settings.callback_after_seconds, settings.time_zone) == (7200, 0, "Asia/Tokyo")
    assert (settings.log_level, settings.otlp_endpoint) == ("DEBUG", "https://collector")
    assert "s3cret" not in repr(settings)


def test_all_problems_are_reported_together_and_no_value_is_quoted() -> None:
    bad = {
        "DATABASE_URL": "s3cret",
        "REDIS_URL": "http://s3cret",
        "VOICEMESH_LOG_LEVEL": "LOUD",
        "VOICEMESH_HEALTH_PORT": "70000",
        "VOICEMESH_METRICS_PORT": "ninety",
        "VOICEMESH_LEDGER_POLL_SECONDS": "often",
        "VOICEMESH_LEDGER_WATCH_SECONDS": "nan",
        "VOICEMESH_ENDING_BOUND_SECONDS": "0",
        "VOICEMESH_CALL_TTL_SECONDS": "-1",
        "VOICEMESH_CALLBACK_AFTER_SECONDS": "inf",
        "VOICEMESH_CALLBACK_TIME_ZONE": "Atlantis/Deep",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://collector:4317",
    }
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(bad)
    assert len(refused.value.problems) == len(bad)
    assert all(any(name in problem for problem in refused.value.problems) for name in bad)
    assert not any(value in str(refused.value) for value in ("s3cret", "LOUD", "ninety", "often", "Atlantis"))


def test_redis_may_be_one_or_watched_by_sentinels_or_a_cluster() -> None:
    for url in (
        "rediss://h?ssl_ca_certs=/ca",
        "redis+sentinel://a,b/mymaster",
        "rediss+cluster://a,b?ssl_ca_certs=/ca",
    ):
        assert Settings.from_env({"REDIS_URL": url}).redis_url == url
    with pytest.raises(SettingsError, match="REDIS_URL must name the master") as refused:
        Settings.from_env({"REDIS_URL": "redis+sentinel://me:s3cret@a,b"})
    assert "s3cret" not in str(refused.value)


def test_a_missing_redis_is_told_with_an_example() -> None:
    with pytest.raises(SettingsError, match=r"e\.g\. redis://"):
        Settings.from_env({})
