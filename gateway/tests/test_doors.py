"""A token opens one door to one caller, for a short time; a pass is recognised and nothing else."""

from __future__ import annotations

from dataclasses import replace

import jwt
import pytest

from gateway.doors import BadPass, NoSuchService, open_again, open_door
from gateway.settings import Settings


def claims(settings: Settings, token: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(token, settings.livekit_api_secret, algorithms=["HS256"])
    return found


def test_a_token_is_for_one_room_and_one_microphone_and_names_who_answers(settings: Settings) -> None:
    door = open_door(settings, "billing")
    found = claims(settings, door.token)
    assert found["video"] == {
        "roomJoin": True,
        "room": door.call_id,
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canPublishData": True,
    }
    assert found["roomConfig"] == {"agents": [{"agentName": "billing"}]}
    assert found["sub"] == door.identity


def test_a_token_is_short_lived(settings: Settings) -> None:
    found = claims(settings, open_door(settings).token)
    assert int(str(found["exp"])) - int(str(found["nbf"])) == settings.token_seconds


def test_no_two_calls_share_a_room_or_a_name(settings: Settings) -> None:
    doors = [open_door(settings) for _ in range(100)]
    assert len({door.call_id for door in doors}) == len({door.identity for door in doors}) == 100


def test_a_service_that_does_not_exist_has_no_door(settings: Settings) -> None:
    with pytest.raises(NoSuchService, match="billing"):
        open_door(settings, "accounting")


def test_with_its_pass_a_page_finds_the_same_place(settings: Settings) -> None:
    door = open_door(settings, "sales")
    again = open_again(settings, door.pass_)
    assert (again.call_id, again.identity, again.service) == (door.call_id, door.identity, "sales")


def test_a_door_is_new_as_long_as_its_first_token_is_good_however_often_it_is_given_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = open_door(settings)
    assert door.is_new(settings)
    for seconds, is_new in ((settings.token_seconds - 1, True), (settings.token_seconds + 1, False)):
        monkeypatch.setattr("gateway.doors.time.time", lambda seconds=seconds: door.given_at + seconds)
        again = open_again(settings, open_again(settings, door.pass_).pass_)
        assert (again.given_at, again.is_new(settings)) == (door.given_at, is_new)


def test_a_pass_of_an_earlier_release_is_recognised_and_is_not_new(settings: Settings) -> None:
    claims = jwt.decode(open_door(settings).pass_, settings.secret, algorithms=["HS256"], audience="voicemesh-call")
    del claims["given"]
    again = open_again(settings, jwt.encode(claims, settings.secret, algorithm="HS256"))
    assert (again.call_id, again.is_new(settings)) == (claims["call"], False)


def test_a_pass_that_is_forged_expired_or_a_token_is_none(settings: Settings) -> None:
    stranger = replace(settings, secret="another-another-another-another-another")
    late = replace(settings, call_seconds=-1)
    for pass_ in (open_door(stranger).pass_, open_door(late).pass_, open_door(settings).token, "", "a.b.c"):
        with pytest.raises(BadPass):
            open_again(settings, pass_)


def test_secrets_are_not_printed(settings: Settings) -> None:
    door = open_door(settings)
    told = repr(settings) + repr(door)
    for secret in (settings.secret, settings.embed_secret, settings.livekit_api_secret, door.token, door.pass_):
        assert secret not in told
