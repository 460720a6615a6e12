"""The key that signs: given, or this process's own."""

from __future__ import annotations

import pytest
from backoffice import capability
from backoffice.database import Database
from backoffice.settings import Settings
from backoffice.testing import Call
from parcels_mcp.office import make_office


@pytest.fixture
def without_key(database: Database) -> Call:
    capability._random_key.cache_clear()
    settings = Settings(database_url="")
    return Call(office=make_office(database, settings), settings=settings)


def send(call: Call) -> bool:
    return call("send_parcel", account_id="AC4721", parcel_id="P-AC4721", idempotency_key="k")[0]


def test_without_a_key_the_process_has_its_own_and_warns_once(
    without_key: Call, caplog: pytest.LogCaptureFixture
) -> None:
    assert not send(without_key.verified("AC4721"))
    assert not send(without_key.verified("AC4721"))
    assert [r.levelname for r in caplog.records if "VOICEMESH_CAPABILITY_KEY" in r.getMessage()] == ["WARNING"]


def test_what_one_process_verified_is_not_good_at_another_without_a_key(without_key: Call) -> None:
    verified = without_key.verified("AC4721")
    capability._random_key.cache_clear()
    assert send(verified)


def test_what_was_verified_is_good_at_another_office_with_the_same_key(call: Call, database: Database) -> None:
    token = call.verified("AC4721").capability
    settings = Settings(database_url="", capability_key=call.settings.capability_key)
    assert not send(Call(office=make_office(database, settings), settings=settings).holding(token))
