"""What a back office is told by its environment; every problem at once, no value quoted."""

from __future__ import annotations

import pytest
from backoffice.settings import SettingsError
from parcels_mcp.office import ParcelSettings


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = ParcelSettings.from_env({})
    assert settings == ParcelSettings(database_url="sqlite:///parcels.db")


def test_everything_is_read() -> None:
    settings = ParcelSettings.from_env(
        {
            "DATABASE_URL": "postgresql://me:s3cret@h/parcels",
            "PARCELS_SEED_EXAMPLES": "no",
            "VOICEMESH_LOG_LEVEL": "debug",
            "VOICEMESH_CAPABILITY_KEY": "k" * 32,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
            "PARCELS_FEE_LIMIT": "49.99",
            "PARCELS_MAX_DISCOUNT_PERCENT": "20",
        }
    )
    assert settings.database_url == "postgresql+psycopg://me:s3cret@h/parcels"
    assert (settings.seed_examples, settings.log_level, settings.capability_key) == (False, "DEBUG", "k" * 32)
    assert settings.otlp_endpoint == "http://collector:4318"
    assert (settings.fee_limit_cents, settings.max_discount_percent) == (4999, 20)


def test_settings_can_be_printed_without_telling_secrets() -> None:
    settings = ParcelSettings(database_url="postgresql://me:s3cret@h/x", capability_key="k" * 32)
    assert "s3cret" not in repr(settings)
    assert "kkkk" not in repr(settings)


def test_all_problems_are_reported_together_and_no_value_is_quoted() -> None:
    bad = {
        "DATABASE_URL": "s3cret",
        "PARCELS_SEED_EXAMPLES": "perhaps",
        "VOICEMESH_LOG_LEVEL": "LOUD",
        "VOICEMESH_CAPABILITY_KEY": "short-one",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
        "PARCELS_FEE_LIMIT": "plenty",
        "PARCELS_MAX_DISCOUNT_PERCENT": "most",
    }
    with pytest.raises(SettingsError) as refused:
        ParcelSettings.from_env(bad)
    assert len(refused.value.problems) == len(bad)
    assert all(any(name in problem for problem in refused.value.problems) for name in bad)
    assert not any(value in str(refused.value) for value in bad.values())


@pytest.mark.parametrize("raw", ["-1", "nan", "inf", "1e9", "49.999"])
def test_a_limit_must_be_an_amount_of_money(raw: str) -> None:
    with pytest.raises(SettingsError, match="PARCELS_FEE_LIMIT"):
        ParcelSettings.from_env({"PARCELS_FEE_LIMIT": raw})


@pytest.mark.parametrize("raw", ["-1", "101", "nan", "1.5"])
def test_a_discount_must_be_a_percentage(raw: str) -> None:
    with pytest.raises(SettingsError, match="PARCELS_MAX_DISCOUNT_PERCENT"):
        ParcelSettings.from_env({"PARCELS_MAX_DISCOUNT_PERCENT": raw})


def test_a_database_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match="not supported"):
        ParcelSettings.from_env({"DATABASE_URL": "mysql://h/x"})
