"""The desk's routes: who may sign in, who sees what, who gets a call, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from handoff.call import Ending
from handoff.desk import LEASE_SECONDS, ON_DUTY_SECONDS
from handoff.lifecycle import State
from handoff.testing import make_turn
from livekit import api

from gateway.desk import COOKIE
from gateway.settings import Settings, SettingsError
from gateway.tests.conftest import ENVIRONMENT, SITE, Browser
from gateway.tests.desk_stage import CARD, SECRET, Human, Stage, desk_settings

IN, BEAT = "/api/desk/in", "/api/desk/beat"


@pytest.fixture
def stage() -> Stage:
    return Stage(desk_settings())


@pytest.fixture
def anna(stage: Stage) -> Human:
    return stage.human("Anna")


# --- switched off, signed in --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/desk", IN, BEAT, "/api/desk/take"])
def test_without_a_secret_there_is_no_desk(browser: Browser, path: str) -> None:
    assert browser().get(path).status_code == 404
    assert browser().post(path, json={"secret": "", "name": "Anna"}).status_code == 404


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(SettingsError, match="VOICEMESH_DESK_SECRET"):
        Settings.from_env(ENVIRONMENT | {"VOICEMESH_DESK_SECRET": "short"})


def test_the_page_is_there_for_everybody_and_kept_by_nobody(stage: Stage) -> None:
    answer = stage.browser(None).get("/desk")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    scripts = ("desk.js", "desk_line.js", "desk_views.js", "desk_callbacks.js")
    for path in (*(f"/pages/{script}" for script in scripts), "/pages/desk.css"):
        file = stage.browser(None).get(path)
        assert file.status_code == 200
        assert "://" not in file.text
        assert "innerHTML" not in file.text, "callers' words are text, never markup"


def test_the_cookie_is_for_the_desk_alone(stage: Stage) -> None:
    cookie = stage.browser().post(IN, json={"secret": SECRET, "name": "Anna"}).headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/api/desk"))
    https = {"x-forwarded-proto": "https"}
    assert "secure" in stage.browser().post(IN, json={"secret": SECRET, "name": "Ben"}, headers=https).headers[
        "set-cookie"
    ].lower().split("; ")


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", None, 7, [SECRET]])
def test_a_wrong_secret_lets_nobody_in(stage: Stage, secret: object) -> None:
    page = stage.browser()
    answer = page.post(IN, json={"secret": secret, "name": "Anna"})
    assert answer.status_code == 401
    assert COOKIE not in page.cookies


def test_secrets_cannot_be_tried_out(stage: Stage) -> None:
    page = stage.browser()
    codes = [page.post(IN, json={"secret": f"guess {n}", "name": "Anna"}).status_code for n in range(50)]
    assert (codes.count(401), codes.count(429)) == (5, 45)
    assert page.post(IN, json={"secret": SECRET, "name": "Anna"}).status_code == 429
    other = stage.browser(address="203.0.113.8")
    assert other.post(IN, json={"secret": SECRET, "name": "Ben"}).status_code == 204


def test_a_whole_shift_signs_in_from_behind_one_address(stage: Stage) -> None:
    for n in range(30):
        name = f"Anna {n}"
        assert stage.browser().post(IN, json={"secret": SECRET, "name": name}).status_code == 204


def test_who_knows_the_secret_gets_no_more_guesses_by_it(stage: Stage) -> None:
    page = stage.browser()
    codes = []
    for n in range(20):
        codes.append(page.post(IN, json={"secret": f"guess {n}", "name": "Eve"}).status_code)
        page.post(IN, json={"secret": SECRET, "name": "Anna"})
    assert (codes.count(401), codes.count(429)) == (5, 15)


@pytest.mark.parametrize("name", ["", " ", "7", "<b>Anna</b>", "A" * 41, None, "Anna\u202e", "-"])
def test_a_name_that_callers_cannot_hear_is_refused(stage: Stage, name: object) -> None:
    assert stage.browser().post(IN, json={"secret": SECRET, "name": name}).status_code == 400


@pytest.mark.parametrize("name", ["Anna", "José María", "Anne-Marie O'Neill", "  Jean   Luc "])
def test_names_as_people_have_them_are_fine(stage: Stage, name: str) -> None:
    assert stage.human(name).asks("beat", available=False)["name"] == " ".join(name.split())


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
def test_no_other_page_signs_in_or_asks(stage: Stage, anna: Human, origin: str | None) -> None:
    assert stage.browser(origin).post(IN, json={"secret": SECRET, "name": "Anna"}).status_code == 403
    headers = {"origin": origin} if origin else {}
    del anna.page.headers["origin"]
    assert anna.page.post(BEAT, json={}, headers=headers).status_code == 403


def forged(key: str, **changes: object) -> str:
    claims = {"aud": "voicemesh-desk", "sub": "h", "name": "Eve", "exp": datetime.now(UTC) + timedelta(hours=1)}
    return jwt.encode(claims | changes, key, algorithm="HS256")


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "nonsense",
        forged("another-secret-another-secret-another"),
        forged(ENVIRONMENT["VOICEMESH_GATEWAY_SECRET"]),
        forged(SECRET, aud="voicemesh-call"),
        forged(SECRET, aud="voicemesh-desk-seat", call="call-1", handoff="d-call-1", me="human-1"),
        forged(SECRET, exp=datetime.now(UTC) - timedelta(seconds=1)),
        jwt.encode({"aud": "voicemesh-desk", "sub": "h", "name": "Eve"}, SECRET, algorithm="HS256"),
        jwt.encode({"aud": "voicemesh-desk", "sub": "h", "name": "Eve"}, "", algorithm="none"),
    ],
)
@pytest.mark.parametrize("what", ["beat", "look", "take", "end", "out"])
def test_a_forged_badge_opens_nothing(stage: Stage, cookie: str, what: str) -> None:
    handoff_id = stage.waits()
    page = stage.browser()
    page.cookies.set(COOKIE, cookie)
    answer = page.post(f"/api/desk/{what}", json={"handoff_id": handoff_id})
    assert answer.status_code == 401
    assert "charged" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"\xff", 400),
        (b"[" * 4000, 400),
        (b'{"seat": "\\ud800"}', 400),
        (b"x" * 5000, 413),
    ],
)
def test_a_body_that_is_nonsense_is_refused(anna: Human, body: bytes, status: int) -> None:
    assert anna.page.post(BEAT, content=body).status_code == status


def test_half_a_character_signs_nobody_in(stage: Stage) -> None:
    body = b'{"secret": "\\ud800", "name": "Anna"}'
    assert stage.browser().post(IN, content=body).status_code == 400


def test_a_page_is_told_who_is_signed_in_and_other_pages_are_not(stage: Stage, anna: Human) -> None:
    assert anna.page.post("/api/desk/who").json() == {"name": "Anna"}
    assert stage.browser().post("/api/desk/who").status_code == 204
    assert anna.page.post("/api/desk/who", headers={"origin": "https://evil.example"}).status_code == 403


def test_who_signs_out_is_nobody_and_off_duty(stage: Stage, anna: Human) -> None:
    anna.asks("beat", available=True)
    anna.asks("out", code=204)
    assert asyncio.run(stage.store.humans_on_duty()) == 0
    anna.asks("beat", code=401)


# --- on duty, and the queue ---------------------------------------------------------------------------------------------
def test_a_human_is_on_duty_while_the_page_lives_and_says_so(stage: Stage, anna: Human) -> None:
    anna.asks("beat", available=False)
    assert asyncio.run(stage.store.humans_on_duty()) == 0
    anna.asks("beat", available=True)
    assert asyncio.run(stage.store.humans_on_duty()) == 1
    stage.store.clock.advance(ON_DUTY_SECONDS)
    assert asyncio.run(stage.store.humans_on_duty()) == 0


def test_the_queue_shows_who_waits_and_why_with_the_next_one_first(stage: Stage, anna: Human) -> None:
    assert anna.asks("beat", available=True)["queue"] == []
    stage.waits("call-1")
    stage.waits("call-2")
    asyncio.run(stage.store.wait_in_line("human", "call-2", priority=10))
    stage.store.clock.advance(7)
    queue = anna.asks("beat", available=True)["queue"]
    assert [one["handoff_id"] for one in queue] == ["d-call-2", "d-call-1"]
    assert queue[0]["waits_seconds"] == 7
    assert (queue[0]["mood"], queue[0]["getting_worse"]) == ("negative", True)


def test_the_briefing_tells_what_a_human_needs_and_no_card_no_proof_and_no_zip_code(stage: Stage, anna: Human) -> None:
    told = anna.asks("look", handoff_id=stage.waits())
    assert told["caller"] == "Sarah Chen"
    assert {"name": "account id", "value": "AC4721", "verified": False} in told["facts"]
    assert told["tried"] == ["billing specialist: process_refund (above_limit)"]
    assert told["done"] == ["open_ticket TK-1"]
    assert [turn["who"] for turn in told["turns"]] == ["front desk", "Caller", "Caller"]
    assert "I want a manager" in str(told)
    assert all(secret not in str(told) for secret in (CARD, "the-proof-itself", "97209"))


def test_what_was_said_since_the_offer_is_in_the_briefing(stage: Stage, anna: Human) -> None:
    handoff_id = stage.waits()
    call = stage.call()
    late = make_turn("And hurry up.", spoken_at=call.started_at + 9)
    asyncio.run(stage.store.checkpoint(replace(call, turns=(*call.turns, late)), epoch=1))
    assert anna.asks("look", handoff_id=handoff_id)["turns"][-1]["text"] == "And hurry up."


def test_a_call_whose_caller_would_rather_not_wait_has_left_the_queue(stage: Stage, anna: Human) -> None:
    handoff_id = stage.waits()
    asyncio.run(stage.store.move(handoff_id, State.WITHDRAWN, reason="no_longer"))
    assert anna.asks("beat", available=True)["queue"] == []
    assert anna.asks("look", code=409, handoff_id=handoff_id)["error"]["code"] == "gone"
    assert anna.asks("take", code=409, handoff_id=handoff_id)["error"]["code"] == "gone"


def test_a_handoff_between_services_is_not_the_desks_to_take(stage: Stage, anna: Human) -> None:
    anna.has_call(stage)
    handoff_id = anna.asks("back", service="billing", note="")["handoff_id"]
    ben = stage.human("Ben", address="203.0.113.8")
    ben.asks("take", code=409, handoff_id=handoff_id)
    ben.asks("look", code=409, handoff_id=handoff_id)


# --- taking a call ------------------------------------------------------------------------------------------------------
def test_of_two_who_accept_at_once_one_gets_the_call(stage: Stage, anna: Human) -> None:
    ben = stage.human("Ben", address="203.0.113.8")
    handoff_id = stage.waits()
    anna.takes(handoff_id)
    assert ben.asks("take", code=409, handoff_id=handoff_id)["error"]["code"] == "gone"
    assert stage.handoff(handoff_id).taker_id == anna.identity
    assert ben.asks("beat", available=True)["queue"] == []


def test_the_way_in_is_for_one_room_and_one_microphone_as_one_of_ours(stage: Stage, anna: Human) -> None:
    anna.takes(stage.waits())
    claims = api.TokenVerifier("key", ENVIRONMENT["LIVEKIT_API_SECRET"]).verify(anna.asks("door")["token"])
    assert claims.video is not None
    assert (claims.identity, claims.name, claims.kind) == (anna.identity, "Anna", "agent")
    assert anna.identity.startswith("human-")
    assert (claims.video.room, claims.video.can_publish_sources) == ("call-1", ["microphone"])
    assert not claims.video.can_publish_data
    assert not claims.video.room_admin


def test_who_is_awaited_takes_no_other_calls(stage: Stage, anna: Human) -> None:
    anna.asks("beat", available=True)
    anna.takes(stage.waits())
    assert anna.asks("beat")["standing"] == "coming"
    assert asyncio.run(stage.store.humans_on_duty()) == 0


def test_a_human_is_ready_when_livekit_has_seen_the_microphone_and_not_when_the_page_says_so(
    stage: Stage, anna: Human
) -> None:
    handoff_id = stage.waits()
    anna.takes(handoff_id)
    assert anna.asks("ready") == {"is_heard": False}
    assert stage.handoff(handoff_id).state is State.DISPATCHED
    stage.room.microphones.add(anna.identity)
    assert anna.asks("ready") == {"is_heard": True}
    assert anna.asks("ready") == {"is_heard": True}
    assert (stage.handoff(handoff_id).state, stage.handoff(handoff_id).taker_id) == (State.READY, anna.identity)
    assert anna.asks("beat", open=False)["standing"] == "coming"


def test_a_human_who_does_not_come_after_all_lets_the_caller_wait_for_another(stage: Stage, anna: Human) -> None:
    handoff_id = stage.waits()
    anna.takes(handoff_id)
    anna.asks("leave")
    assert stage.handoff(handoff_id).state is State.WITHDRAWN, "the agent makes a new offer"
    assert anna.asks("beat")["standing"] == "gone"
    anna.asks("door", code=409)


def test_another_humans_seat_is_no_seat(stage: Stage, anna: Human) -> None:
    anna.has_call(stage)
    ben = stage.human("Ben", address="203.0.113.8")
    ben.seat = anna.seat
    for what in ("beat", "door", "ready", "leave", "end", "back", "pass"):
        ben.asks(what, code=401)
    assert stage.floor() is not None


# --- the floor ----------------------------------------------------------------------------------------------------------
def test_the_agent_is_told_that_the_human_speaks_when_the_page_has_opened_the_microphone(
    stage: Stage, anna: Human
) -> None:
    handoff_id = stage.waits()
    anna.takes(handoff_id)
    stage.room.microphones.add(anna.identity)
    anna.asks("ready")
    stage.gives_floor(handoff_id)
    assert anna.asks("beat", open=False)["standing"] == "floor"
    assert stage.handoff(handoff_id).state is State.TAKEN
    assert anna.asks("beat", open=True)["standing"] == "floor"
    assert stage.handoff(handoff_id).state is State.SPOKEN


def test_a_call_is_the_humans_as_long_as_the_page_beats_and_longer_than_the_offer_is_kept(
    stage: Stage, anna: Human
) -> None:
    anna.has_call(stage)
    for _ in range(100):
        stage.store.clock.advance(LEASE_SECONDS - 1)
        assert anna.asks("beat", open=True)["standing"] == "floor"
    assert anna.asks("door")["briefing"] is None
    assert asyncio.run(stage.store.overdue()) == ()


def test_when_the_beats_stop_the_call_is_free_for_a_successor_and_the_page_is_told_and_put_out(
    stage: Stage, anna: Human
) -> None:
    anna.has_call(stage)
    stage.store.clock.advance(LEASE_SECONDS)
    (lost,) = asyncio.run(stage.store.overdue())
    assert (lost.service, lost.agent_id) == ("human", anna.identity)
    asyncio.run(
        stage.store.seize_floor(
            "call-1", epoch=lost.epoch, service="escalation", agent_id="escalation-r3", lease_seconds=4
        )
    )
    assert anna.asks("beat", open=True)["standing"] == "gone"
    assert stage.room.journal == ["put out human"]
    anna.asks("end", code=409)
    anna.asks("door", code=409)
    assert stage.call().ending is None


def test_who_goes_away_with_a_call_frees_it_at_once(stage: Stage, anna: Human) -> None:
    anna.has_call(stage)
    anna.asks("leave")
    assert [one.service for one in asyncio.run(stage.store.overdue())] == ["human"]
    assert stage.call().ending is None


@pytest.mark.parametrize(("body", "detail"), [({}, "ended at the desk"), ({"caller_left": True}, "the caller hung up")])
def test_a_call_ends_once_and_its_room_is_closed(stage: Stage, anna: Human, body: dict[str, bool], detail: str) -> None:
    anna.has_call(stage)
    anna.asks("end", **body)
    call = stage.call()
    assert (call.ending, call.ending_detail) == (Ending.TRANSFERRED_TO_HUMAN, detail)
    assert call.services == ("escalation", "human")
    assert stage.room.journal == ["closed"]
    anna.asks("end", code=409, **body)
    assert anna.asks("beat", open=True)["standing"] == "ended"
    assert len(asyncio.run(stage.store.endings())) == 1


def test_a_call_ends_also_while_livekit_does_not_answer(stage: Stage, anna: Human) -> None:
    anna.has_call(stage)
    stage.room.is_away = True
    anna.asks("end")
    assert stage.call().ending is Ending.TRANSFERRED_TO_HUMAN


def test_nobody_ends_a_call_that_is_not_his_yet(stage: Stage, anna: Human) -> None:
    anna.takes(stage.waits())
    anna.asks("end", code=409)
    anna.asks("back", code=409, service="billing", note="")
    assert stage.call().ending is None


def test_livekit_that_does_not_answer_is_told_as_such(stage: Stage, anna: Human) -> None:
    anna.takes(stage.waits())
    stage.room.is_away = True
    assert anna.asks("ready", code=503)["error"]["code"] == "try_again"


def test_no_word_of_a_caller_is_logged(stage: Stage, anna: Human, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        anna.has_call(stage)
        anna.asks("look", code=409, handoff_id="d-call-1")
        anna.asks("back", service="billing", note="Sarah is in a hurry")
        anna.asks("end")
    assert caplog.text
    assert not any(word in caplog.text for word in ("charged", "Sarah", "AC4721", "hurry", "Anna"))


def test_the_desk_sits_beside_the_call_page(stage: Stage) -> None:
    assert stage.browser().post("/api/calls").status_code == 201
    assert stage.browser().get(f"{SITE}/").status_code == 200
