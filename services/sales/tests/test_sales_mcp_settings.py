"""Settings of the back office: its own limit, and every problem reported at once."""

import pytest
from backoffice.settings import SettingsError
from sales_mcp.settings import Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({})
    assert (settings.database_url, settings.max_discount_percent) == ("sqlite:///sales.db", 15)


def test_the_limit_is_a_setting() -> None:
    assert Settings.from_env({"SALES_MAX_DISCOUNT_PERCENT": "7"}).max_discount_percent == 7


@pytest.mark.parametrize("raw", ["-1", "101", "nan", "inf", "7.5", "plenty"])
def test_the_limit_must_be_whole_percent_and_is_not_quoted(raw: str) -> None:
    with pytest.raises(SettingsError, match="SALES_MAX_DISCOUNT_PERCENT") as refused:
        Settings.from_env({"SALES_MAX_DISCOUNT_PERCENT": raw, "DATABASE_URL": "s3cret"})
    assert len(refused.value.problems) == 2
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("raw", ["Atlantis/Capital", "../etc", "America"])
def test_a_time_zone_must_be_one(raw: str) -> None:
    with pytest.raises(SettingsError, match="SALES_TIME_ZONE"):
        Settings.from_env({"SALES_TIME_ZONE": raw})


def test_the_offices_own_time_has_no_zone() -> None:
    assert Settings.from_env({"SALES_TIME_ZONE": "Asia/Tokyo"}).now().tzinfo is None
