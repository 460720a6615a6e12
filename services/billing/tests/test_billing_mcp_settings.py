"""Settings of the back office: its own limit, beside what every back office is told."""

import pytest
from billing_mcp.settings import Settings, SettingsError


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({})
    assert settings.database_url == "sqlite:///billing.db"
    assert settings.refund_limit_cents == 100_00
    assert settings.seed_examples


def test_all_problems_are_reported_together_and_no_value_is_quoted() -> None:
    bad = {
        "DATABASE_URL": "s3cret",
        "BILLING_REFUND_LIMIT": "plenty",
        "BILLING_SEED_EXAMPLES": "perhaps",
        "VOICEMESH_LOG_LEVEL": "LOUD",
        "VOICEMESH_CAPABILITY_KEY": "tooshort",
    }
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(bad)
    assert len(refused.value.problems) == 5
    assert not any(value in str(refused.value) for value in bad.values())


@pytest.mark.parametrize("raw", ["-1", "nan", "inf", "1e9", "49.999"])
def test_a_refund_limit_must_be_an_amount_of_money(raw: str) -> None:
    with pytest.raises(SettingsError, match="BILLING_REFUND_LIMIT"):
        Settings.from_env({"BILLING_REFUND_LIMIT": raw})
