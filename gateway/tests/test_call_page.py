"""What the call page does in moments that no browser brings about at will: it runs in node, on a document of paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.tests.paper_pages import PAGES, needs_node, told

pytestmark = needs_node


def at_the_call_page(scripts: Path, *steps: str) -> dict[str, Any]:
    """What was asked, by its last word."""
    found = told("call_page.mjs", scripts, *steps)
    return found | {"asked": [path.removeprefix("/api/").replace("calls/", "") for path, _ in found["asked"]]}


def test_who_was_muted_when_he_hung_up_is_not_shown_as_muted_in_his_next_call(scripts: Path) -> None:
    muted = at_the_call_page(scripts, "starts", "mutes")
    assert (muted["mute"], muted["published"]) == ("Muted", "muted")
    again = at_the_call_page(scripts, "starts", "mutes", "hangs_up", "starts")
    assert (again["mute"], again["published"]) == ("Mute", "open")


def test_who_hangs_up_is_told_so_and_is_not_recognised_any_more(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "hangs_up")
    assert (found["state"], found["status"]) == ("ended", "You have hung up.")
    assert (found["asked"], found["open"]) == (["calls", "over"], "0")


@pytest.mark.parametrize("step", ["agent_hangs_up", "room_is_deleted", "is_put_out"])
def test_a_call_that_was_ended_is_said_to_have_ended(scripts: Path, step: str) -> None:
    found = at_the_call_page(scripts, "starts", step)
    assert (found["state"], found["status"]) == ("ended", "The call has ended. Thank you.")
    assert (found["asked"], found["open"]) == (["calls", "over"], "0")


# --- hung up before it was a call -------------------------------------------------------------------------------------
HUNG_UP_EARLY = ("ended", "You have hung up.", "0", "call")


def early(found: dict[str, Any]) -> tuple[str, ...]:
    return found["state"], found["status"], found["open"], found["shown"]


def test_who_hangs_up_while_he_is_asked_for_his_microphone_calls_nobody_though_he_allows_it_then(scripts: Path) -> None:
    found = at_the_call_page(scripts, "prompt_is_open", "starts", "hangs_up", "allows")
    assert early(found) == HUNG_UP_EARLY
    assert (found["asked"], found["joined"], found["trouble"]) == (["over"], "0", "")


def test_who_hangs_up_while_the_gateway_is_asked_calls_nobody(scripts: Path) -> None:
    found = at_the_call_page(scripts, "gateway_is_slow", "starts", "hangs_up")
    assert early(found) == HUNG_UP_EARLY
    assert (found["stopped"], found["asked"], found["trouble"]) == ("/api/calls", ["calls", "over"], "")
    late = at_the_call_page(scripts, "answers_come_in_pieces", "starts", "hangs_up", "last_piece_comes")
    assert early(late) == HUNG_UP_EARLY
    assert (late["asked"], late["joined"], late["left"]) == (["calls", "over"], "0", "0")


@pytest.mark.parametrize("slow", ["livekit_is_slow", "publishing_is_slow"])
def test_who_hangs_up_on_his_way_into_the_room_leaves_it(scripts: Path, slow: str) -> None:
    found = at_the_call_page(scripts, slow, "starts", "hangs_up", "60")
    assert early(found) == HUNG_UP_EARLY
    assert (found["asked"], found["left"], found["trouble"]) == (["calls", "over"], "1", "")


def test_who_hangs_up_before_livekit_has_answered_is_not_heard_when_it_does(scripts: Path) -> None:
    found = at_the_call_page(scripts, "livekit_is_slow", "starts", "hangs_up", "livekit_answers")
    assert (early(found), found["published"]) == (HUNG_UP_EARLY, "")


@pytest.mark.parametrize("slow", ["livekit_is_slow", "publishing_is_slow"])
def test_who_hangs_up_on_his_way_back_leaves_his_call(scripts: Path, slow: str) -> None:
    found = at_the_call_page(scripts, "has_a_call", slow, "loads", "hangs_up", "300")
    assert early(found) == HUNG_UP_EARLY
    assert found["asked"] == ["again", "over"]


def test_who_hangs_up_while_a_page_that_was_loaded_again_asks_for_his_microphone_leaves_his_call(
    scripts: Path,
) -> None:
    found = at_the_call_page(scripts, "has_a_call", "prompt_is_open", "loads", "hangs_up", "allows", "300")
    assert early(found) == HUNG_UP_EARLY
    assert (found["asked"], found["joined"]) == (["again", "over"], "0")


def test_who_hung_up_early_may_call_again(scripts: Path) -> None:
    found = at_the_call_page(scripts, "prompt_is_open", "starts", "hangs_up", "starts", "allows")
    assert (found["state"], found["joined"], found["open"]) == ("talking", "1", "1")


def test_the_second_half_of_a_double_click_hangs_nothing_up(scripts: Path) -> None:
    assert at_the_call_page(scripts, "starts", "double_clicks")["state"] == "talking"


def test_a_new_call_waits_until_the_last_one_is_left_for_both_go_by_one_cookie(scripts: Path) -> None:
    steps = ("starts", "parting_is_slow", "hangs_up", "starts", "1")
    assert at_the_call_page(scripts, *steps)["asked"] == ["calls", "over"]
    assert at_the_call_page(scripts, *steps, "10")["asked"] == ["calls", "over", "calls"]
    assert at_the_call_page(scripts, *steps, "hangs_up", "30")["asked"] == ["calls", "over", "over"]


def test_what_was_hung_up_while_the_gateway_was_out_of_reach_is_left_later_and_never_taken_up(scripts: Path) -> None:
    online = at_the_call_page(scripts, "starts", "network_goes", "hangs_up", "network_comes")
    assert (online["asked"], online["state"]) == (["calls", "over", "over"], "ended")
    next_call = at_the_call_page(
        scripts, "starts", "network_goes", "hangs_up", "network_comes_unnoticed", "starts", "network_comes"
    )
    assert (next_call["asked"], next_call["state"]) == (["calls", "over", "calls"], "talking")
    loaded = at_the_call_page(scripts, "has_a_call", "hung_up_unheard", "loads")
    assert (loaded["asked"], loaded["joined"]) == (["over"], "0")


# --- a connection that is lost ----------------------------------------------------------------------------------------
LOST = "The connection is lost. We are trying to bring your call back."


@pytest.mark.parametrize("how", ["livekit_gives_up", "server_stops", "browser_sleeps"])
def test_a_call_whose_line_is_lost_is_taken_up_again(scripts: Path, how: str) -> None:
    found = at_the_call_page(scripts, "starts", how)
    assert (found["state"], found["status"]) == ("talking", "Connected again. Go on speaking.")
    assert (found["asked"], found["joined"], found["open"]) == (["calls", "again"], "2", "1")


def test_a_try_that_fails_leaves_the_microphone_open_for_the_next_one(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "publishing_fails_once", "livekit_gives_up", "1")
    assert (found["state"], found["joined"], found["left"], found["open"]) == ("talking", "3", "1", "1")


def test_while_the_network_is_away_he_is_told_so_and_it_is_tried_less_and_less_often(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "network_goes", "livekit_gives_up", "60")
    assert (found["state"], found["status"]) == ("reconnecting", LOST)
    assert "hangup" in found["shown"].split()
    assert found["asked"] == ["calls", *["again"] * 8], "at once, after 1, 2, 4 and 8 s, and each 15 s then"


def test_he_is_back_as_soon_as_his_browser_says_that_the_network_is(scripts: Path) -> None:
    steps = ("starts", "network_goes", "livekit_gives_up", "40")
    assert at_the_call_page(scripts, *steps, "network_comes_unnoticed", "1")["state"] == "reconnecting"
    found = at_the_call_page(scripts, *steps, "network_comes")
    assert (found["state"], found["joined"], found["open"]) == ("talking", "2", "1")


def test_only_the_gateway_knows_that_a_call_is_over(scripts: Path) -> None:
    steps = ("starts", "network_goes", "livekit_gives_up", "60", "call_is_gone")
    assert at_the_call_page(scripts, *steps)["state"] == "reconnecting"
    found = at_the_call_page(scripts, *steps, "network_comes")
    assert (found["state"], found["status"]) == ("ended", "Your call has ended meanwhile. Thank you.")
    assert found["open"] == "0"


def test_after_two_minutes_it_is_tried_no_more_but_by_a_page_that_is_loaded_again(scripts: Path) -> None:
    steps = ("starts", "network_goes", "livekit_gives_up")
    assert at_the_call_page(scripts, *steps, "119")["state"] == "reconnecting"
    found = at_the_call_page(scripts, *steps, "121")
    assert (found["state"], found["status"]) == ("idle", "Your call could not be taken up again.")
    assert "We cannot reach our telephone system" in found["trouble"]
    assert (found["open"], "over" in found["asked"]) == ("0", False)


def test_who_hangs_up_while_his_line_is_lost_has_hung_up(scripts: Path) -> None:
    found = at_the_call_page(
        scripts, "starts", "network_goes", "livekit_gives_up", "20", "hangs_up", "network_comes", "300"
    )
    assert early(found) == HUNG_UP_EARLY
    assert (found["asked"][-1], found["joined"]) == ("over", "1")


def test_who_hangs_up_while_his_call_is_looked_up_has_hung_up(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "call_is_looked_up_slowly", "livekit_gives_up", "hangs_up")
    assert early(found) == HUNG_UP_EARLY
    assert (found["stopped"], found["asked"]) == ("/api/calls/again", ["calls", "again", "over"])


def test_what_becomes_of_a_room_that_was_left_behind_is_nobodys_business(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "livekit_gives_up", "old_seat_is_cleared")
    assert (found["state"], found["open"]) == ("talking", "1")


def test_who_was_muted_when_his_line_was_lost_is_muted_when_it_is_back(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "mutes", "livekit_gives_up")
    assert (found["state"], found["mute"], found["published"]) == ("talking", "Muted", "muted")
    meanwhile = at_the_call_page(scripts, "starts", "network_goes", "livekit_gives_up", "mutes", "network_comes")
    assert (meanwhile["mute"], meanwhile["published"]) == ("Muted", "muted")


def test_a_call_that_goes_on_in_another_tab_is_left_to_it(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "second_tab_takes_it", "300")
    assert (found["state"], found["status"]) == ("idle", "Your call goes on in another tab or window.")
    assert (found["asked"], found["open"]) == (["calls"], "0")


# --- loaded again -----------------------------------------------------------------------------------------------------
def test_a_page_that_is_loaded_again_shows_who_has_the_call_and_announces_nobody(scripts: Path) -> None:
    found = at_the_call_page(scripts, "has_a_call", "billing_has_it", "loads", "billing_speaks")
    assert (found["state"], found["name"], found["notes"]) == ("talking", "Billing specialist", "")


def test_who_had_muted_himself_stays_muted_over_a_reload(scripts: Path) -> None:
    found = at_the_call_page(scripts, "has_a_call", "was_muted", "loads")
    assert (found["mute"], found["published"]) == ("Muted", "muted")
    assert at_the_call_page(scripts, "has_a_call", "was_muted", "loads", "mutes")["published"] == "open"


def test_where_the_store_is_away_a_page_that_is_loaded_again_goes_on_trying(scripts: Path) -> None:
    assert at_the_call_page(scripts, "has_a_call", "store_is_away", "loads")["state"] == "connecting"
    assert at_the_call_page(scripts, "has_a_call", "store_is_away", "loads", "store_is_back", "1")["state"] == "talking"


def test_where_livekit_is_away_a_page_that_is_loaded_again_asks_again_whether_there_is_a_call(scripts: Path) -> None:
    steps = ("has_a_call", "livekit_is_away", "loads", "3")
    assert at_the_call_page(scripts, *steps)["state"] == "connecting"
    gone = at_the_call_page(scripts, *steps, "call_is_gone", "4")
    assert (gone["state"], gone["status"]) == ("ended", "Your call has ended meanwhile. Thank you.")


def test_who_presses_the_button_before_a_call_was_found_again_has_one_call(scripts: Path) -> None:
    found = at_the_call_page(scripts, "has_a_call", "answers_come_in_pieces", "loads", "starts", "last_piece_comes")
    assert (found["asked"], found["joined"], found["open"]) == (["again", "calls"], "1", "1")


def test_a_browser_that_forbids_all_storage_can_call(scripts: Path) -> None:
    found = at_the_call_page(scripts, "storage_is_forbidden", "starts", "mutes", "hangs_up", "starts")
    assert (found["state"], found["mute"]) == ("talking", "Mute")


def test_a_page_that_is_closed_says_so_as_long_as_it_has_a_call(scripts: Path) -> None:
    assert at_the_call_page(scripts, "starts", "is_closed")["asked"] == ["calls", "left"]
    assert at_the_call_page(scripts, "livekit_is_slow", "starts", "is_closed")["asked"] == ["calls", "left"]
    assert at_the_call_page(scripts, "starts", "hangs_up", "is_closed")["asked"] == ["calls", "over"]
    assert at_the_call_page(scripts, "is_closed")["asked"] == []


# --- what went wrong --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("microphone_fails", "Another program is using your microphone"),
        ("NotAllowedError", "Allow it in the address bar"),
        ("NotFoundError", "No microphone was found"),
        ("SecurityError", "Your browser's settings forbid the microphone"),
        ("AbortError", "Your microphone could not be started"),
        ("OverconstrainedError", "Your microphone cannot do what a call needs"),
        ("no_https", "This page needs https:// (or http://localhost) to use your microphone."),
        ("network_goes", "We cannot reach our telephone system"),
        ("too_many", "There were many calls from your network"),
    ],
)
def test_a_call_that_does_not_begin_is_not_said_to_have_ended_and_the_reason_is_told(
    scripts: Path, step: str, told: str
) -> None:
    found = at_the_call_page(scripts, step, "starts")
    assert (found["state"], found["status"]) == ("idle", "The call did not begin.")
    assert told in found["trouble"]
    assert (found["focused"], found["shown"], found["open"]) == ("call", "call", "0")


def test_a_gateway_that_does_not_answer_is_no_fault_of_the_microphone(scripts: Path) -> None:
    found = at_the_call_page(scripts, "gateway_is_slow", "starts", "11")
    assert "We cannot reach our telephone system" in found["trouble"]
    assert found["asked"] == ["calls", "over"], "else a page that is loaded again would call by itself"


def test_a_room_that_could_not_be_entered_is_left(scripts: Path) -> None:
    found = at_the_call_page(scripts, "livekit_is_away", "starts")
    assert "We cannot reach our telephone system" in found["trouble"]
    assert (found["asked"], found["left"], found["open"]) == (["calls", "over"], "1", "0")


# --- what is shown and told -------------------------------------------------------------------------------------------
def test_a_keypad_that_is_put_away_is_not_said_to_be_open(scripts: Path) -> None:
    opened = at_the_call_page(scripts, "starts", "opens_keypad")
    assert (opened["expanded"], "keypad" in opened["shown"]) == ("true", True)
    ended = at_the_call_page(scripts, "starts", "opens_keypad", "agent_hangs_up")
    assert (ended["expanded"], ended["shown"], ended["focused"]) == ("false", "call", "call")


def test_who_speaks_how_good_the_line_is_and_what_changes_is_told_to_a_screen_reader() -> None:
    page = (PAGES / "call.html").read_text()
    for part in ("status", "who", "quality", "news"):
        assert re.search(rf'id="{part}"[^>]*role="status"', page), part
    assert "You are now talking to: " in page


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("is_excellent", "Good connection"),
        ("is_good", "Good connection"),
        ("is_poor", "Your connection is weak."),
        ("is_lost", "Your connection is lost."),
    ],
)
def test_the_strength_of_the_connection_is_shown_whether_it_is_good_or_not(
    scripts: Path, step: str, words: str
) -> None:
    assert at_the_call_page(scripts, "starts", step)["quality"] == words


def test_a_connection_that_is_gone_is_not_called_good_until_it_is_back(scripts: Path) -> None:
    assert at_the_call_page(scripts, "starts", "is_good", "line_breaks")["quality"] == ""
    assert at_the_call_page(scripts, "starts", "is_good", "line_breaks", "line_is_back")["quality"] == "Good connection"


def test_whoever_had_the_last_call_hands_nobody_over_to_the_next_one(scripts: Path) -> None:
    found = at_the_call_page(scripts, "starts", "billing_speaks", "agent_hangs_up", "starts")
    assert (found["name"], found["notes"]) == ("Front desk", "")


NOW, UNWRITTEN = "You are now talking to: ", "What you and our colleague say is not written down."


def test_while_a_human_has_the_call_it_is_said_once_that_nothing_is_written_down(scripts: Path) -> None:
    human = at_the_call_page(scripts, "starts", "triage_speaks", "human_speaks", "human_speaks", "second_human_speaks")
    assert human["notes"] == f"{NOW}A colleague of ours | {UNWRITTEN}"
    assert (human["name"], human["news"]) == ("A colleague of ours", UNWRITTEN)
    steps = ("starts", "human_speaks", "human_has_it", "livekit_gives_up", "human_speaks")
    assert at_the_call_page(scripts, *steps)["notes"].count(UNWRITTEN) == 1, "a line that was lost is no other takeover"
    twice = at_the_call_page(scripts, "starts", "human_speaks", "billing_speaks", "human_speaks")
    assert twice["notes"].count(UNWRITTEN) == 2
    assert at_the_call_page(scripts, "starts", "human_speaks", "billing_speaks")["news"] == ""
    assert at_the_call_page(scripts, "has_a_call", "human_has_it", "loads")["notes"] == UNWRITTEN
