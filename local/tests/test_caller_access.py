"""The token that lets a caller in."""

import jwt
import pytest

from local.caller import new_access

SECRET = "a-secret-of-at-least-thirty-two-characters"


def claims_of(access):
    return jwt.decode(access.token, SECRET, algorithms=["HS256"])


def access(**more):
    return new_access("ws://127.0.0.1:7880", api_key="key", api_secret=SECRET, **more)


def test_a_web_caller_may_enter_one_room_where_triage_answers():
    door = access()
    claims = claims_of(door)
    assert claims["video"]["room"] == door.call_id
    assert claims["sub"] == door.identity == "caller-" + door.call_id.removeprefix("call-")
    assert [agent["agentName"] for agent in claims["roomConfig"]["agents"]] == ["triage"]
    assert "kind" not in claims


def test_a_phone_caller_looks_like_one_that_came_over_sip():
    claims = claims_of(access(channel="phone"))
    assert claims["kind"] == "sip"
    assert claims["attributes"]["sip.phoneNumber"].startswith("+1555")


def test_a_specialist_s_direct_line_is_answered_by_the_specialist():
    assert claims_of(access(service="billing"))["roomConfig"]["agents"][0]["agentName"] == "billing"


def test_every_call_has_its_own_id():
    assert access().call_id != access().call_id


def test_the_token_is_not_printed():
    assert access().token not in repr(access(call_id="call-1"))


def test_a_channel_we_do_not_have_is_refused():
    with pytest.raises(ValueError, match="pigeon"):
        access(channel="pigeon")
