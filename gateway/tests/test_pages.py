"""What the pages' own scripts do in moments that no browser brings about at will: they run in node, on a document of paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.tests.paper_pages import needs_node, told

pytestmark = needs_node


# --- the desk: a human talks with a caller ------------------------------------------------------------------------------
HUNG_UP = [["/api/desk/end", {"seat": "the seat", "caller_left": True}]]


def at_the_desk(scripts: Path, *steps: str) -> dict[str, Any]:
    """Heartbeats are left out."""
    found = told("desk_page.mjs", scripts, *steps)
    return found | {"asked": [asked for asked in found["asked"] if asked[0] != "/api/desk/beat"]}


def test_a_caller_who_does_not_come_back_has_hung_up(scripts: Path) -> None:
    waiting = at_the_desk(scripts, "caller_leaves", "4.9")
    assert (waiting["asked"], waiting["state"]) == ([], "talking")
    ended = at_the_desk(scripts, "caller_leaves", "5.1")
    assert (ended["asked"], ended["state"], ended["status"]) == (HUNG_UP, "idle", "The caller has hung up.")


def test_a_caller_who_comes_back_in_time_goes_on(scripts: Path) -> None:
    found = at_the_desk(scripts, "caller_leaves", "4", "caller_is_back", "60")
    assert (found["asked"], found["state"]) == ([], "talking")


def test_a_room_that_livekit_closes_first_is_a_caller_who_has_hung_up(scripts: Path) -> None:
    """It is closed some seconds after its last caller left, by LiveKit's own setting: of the two one is first."""
    ended = at_the_desk(scripts, "caller_leaves", "4.5", "room_is_closed", "1")
    assert (ended["asked"], ended["state"], ended["status"]) == (HUNG_UP, "idle", "The caller has hung up.")


def test_a_line_that_is_cut_leaves_the_call_to_another_agent(scripts: Path) -> None:
    cut = at_the_desk(scripts, "line_is_cut", "10")
    assert (cut["asked"], cut["state"]) == ([["/api/desk/leave", {"seat": "the seat"}]], "idle")


def test_a_call_that_could_not_be_ended_and_whose_room_is_closed_is_not_kept(scripts: Path) -> None:
    left = at_the_desk(scripts, "store_is_away", "caller_leaves", "5.1", "room_is_closed", "10")
    assert [path.rpartition("/")[2] for path, _ in left["asked"]] == ["end", "end", "leave"]
    assert left["state"] == "idle"


NOTED = ["/api/desk/back", {"seat": "the seat", "service": "billing", "note": "Please refund it."}]
SHUT, OPEN = ["microphone shut", {}], ["microphone open", {}]
PASSED = ["/api/desk/pass", {"seat": "the seat", "handoff_id": "b1"}]


def test_a_call_is_handed_back_with_the_note_and_the_microphone_is_shut_before_the_service_has_the_floor(
    scripts: Path,
) -> None:
    handed = at_the_desk(scripts, "hands_back", "10")
    assert handed["asked"] == [NOTED, SHUT, PASSED]
    assert (handed["state"], handed["trouble"]) == ("idle", "")
    assert at_the_desk(scripts, "hands_back")["status"] == "You handed the call back."


def test_a_call_that_no_service_takes_stays_with_the_human_who_reads_why(scripts: Path) -> None:
    kept = at_the_desk(scripts, "nobody_comes", "hands_back", "1")
    assert kept["asked"] == [NOTED, OPEN], "she talked on while a service was asked"
    assert (kept["state"], kept["status"]) == ("talking", "You are talking to the caller.")
    assert kept["trouble"] == "nobody can take the call"
    silent = at_the_desk(scripts, "nobody_speaks", "hands_back", "1")
    assert silent["asked"] == [NOTED, SHUT, PASSED, OPEN]
    assert (silent["state"], silent["trouble"]) == ("talking", "the call is yours again")


# --- the desk: a call is accepted, and a colleague is faster --------------------------------------------------------------
def accepting(scripts: Path, *steps: str) -> dict[str, Any]:
    """Heartbeats and briefings are left out."""
    found = told("desk_accepts.mjs", scripts, *steps)
    return found | {
        "asked": [[path.rpartition("/")[2], said] for path, said in found["asked"] if path[-4:] not in ("beat", "look")]
    }


def test_the_call_that_was_accepted_is_taken_and_not_the_next_one_that_came_while_the_browser_asked(
    scripts: Path,
) -> None:
    found = accepting(scripts, "another_waits", "2", "accepts", "colleague_takes_it", "4", "allows", "1")
    assert found["asked"] == [["take", {"handoff_id": "A"}]]
    assert (found["state"], found["trouble"]) == ("idle", "a colleague was faster")


def test_who_accepts_the_only_call_and_is_too_late_is_told_so_in_words(scripts: Path) -> None:
    found = accepting(scripts, "accepts", "colleague_takes_it", "4", "allows", "0.1")
    assert found["asked"] == [["take", {"handoff_id": "A"}]]
    assert (found["status"], found["trouble"]) == ("The call was not taken.", "a colleague was faster")


def test_what_is_accepted_is_the_call_whose_briefing_is_on_the_page(scripts: Path) -> None:
    found = accepting(scripts, "another_waits", "2", "answers_are_slow", "chooses_the_second", "accepts", "allows")
    assert (found["about"], found["asked"][0]) == ("A", ["take", {"handoff_id": "A"}])


# --- the desk: its tab is duplicated --------------------------------------------------------------------------------------
ELSEWHERE = "Your call goes on in another tab or window. You can close this one."


@pytest.mark.parametrize(
    ("program", "steps"),
    [("desk_page.mjs", []), ("desk_accepts.mjs", ["accepts", "allows", "0.3"])],
    ids=["in the call", "on the way into it"],
)
def test_a_tab_whose_copy_has_the_call_says_so_and_asks_nothing_of_that_call_any_more(
    scripts: Path, program: str, steps: list[str]
) -> None:
    before = told(program, scripts, *steps)
    after = told(program, scripts, *steps, "copy_has_the_call", "30")
    assert (after["state"], after["status"], after["trouble"]) == ("elsewhere", ELSEWHERE, "")
    assert after["asked"] == before["asked"], "no heartbeat either: it would speak for the other tab's human"


def test_the_copy_of_a_tab_goes_on_with_the_call(scripts: Path) -> None:
    found = told("desk_copy.mjs", scripts, "2")
    assert (found["state"], found["status"], found["trouble"]) == ("talking", "You are talking to the caller.", "")
    assert {path for path, _ in found["asked"]} == {"/api/desk/beat"}


# --- the desk: somebody is to be called back ----------------------------------------------------------------------------
def calling_back(scripts: Path, *steps: str) -> dict[str, Any]:
    """What was asked, without heartbeats, by its last word."""
    found = told("desk_callbacks.mjs", scripts, *steps)
    asked = [path.rpartition("/")[2] for path, _ in found["asked"]]
    return found | {"asked": [what for what in asked if what != "beat"]}


def test_who_is_to_be_called_back_is_in_the_list_and_in_the_status(scripts: Path) -> None:
    found = calling_back(scripts)
    assert (found["line"], found["shown"]) == ("CT-10001, billing: due 10 min ago", "")
    assert found["status"] == "0 calls wait. 1 to call back. You take no calls now."


def test_a_callback_is_opened_claimed_and_made_and_the_keyboard_is_never_nowhere(scripts: Path) -> None:
    opened = calling_back(scripts, "opens")
    assert (opened["asked"], opened["shown"], opened["focused"]) == (["callback"], "callback claim", "ticket")
    assert opened["callback-summary"] == "A summary."
    claimed = calling_back(scripts, "opens", "claims")
    assert (claimed["shown"], claimed["focused"]) == ("callback called let-go", "called")
    assert calling_back(scripts, "opens", "claims", "3")["line"].endswith("due 10 min ago, you are calling")
    done = calling_back(scripts, "opens", "claims", "has_called")
    assert (done["asked"], done["line"], done["focused"]) == (
        ["callback", "claim", "callback", "called"],
        "",
        "available",
    )
    assert "callback" not in done["shown"].split()


def test_who_lets_it_go_may_claim_it_again(scripts: Path) -> None:
    found = calling_back(scripts, "opens", "claims", "lets_go")
    assert (found["shown"], found["focused"]) == ("callback claim", "claim")


def test_a_callback_that_a_colleague_has_claimed_is_not_offered(scripts: Path) -> None:
    found = calling_back(scripts, "opens", "colleague_claims", "3")
    assert (found["shown"], found["line"]) == ("callback", "CT-10001, billing: due 10 min ago, Ben is calling")


def test_who_was_too_slow_is_told_so(scripts: Path) -> None:
    found = calling_back(scripts, "opens", "colleague_is_faster", "claims")
    assert (found["trouble"], "callback" in found["shown"].split()) == ("a colleague was faster", False)


def test_a_callback_that_is_done_elsewhere_is_gone_from_the_page(scripts: Path) -> None:
    assert "callback" not in calling_back(scripts, "opens", "is_done_elsewhere", "3")["shown"].split()


def test_a_caller_who_comes_meanwhile_is_told_of_and_takes_nobodys_place(scripts: Path) -> None:
    found = calling_back(scripts, "opens", "caller_comes", "3")
    assert (found["asked"], found["shown"]) == (["callback"], "callback claim")
    assert found["status"].startswith("1 call waits. 1 to call back.")


# --- the button on somebody's site --------------------------------------------------------------------------------------
def test_a_widget_is_one_button_that_opens_the_line_which_its_tag_names(scripts: Path) -> None:
    found = told("widget_page.mjs", scripts, "service=billing", "label=Call billing")
    assert (found["labels"], found["classes"]) == (["Call billing"], ["voicemesh-call"])
    assert found["opened"] == ["https://calls.example.com/?service=billing"]


def test_a_widget_that_names_nothing_calls_the_front_desk(scripts: Path) -> None:
    found = told("widget_page.mjs", scripts)
    assert (found["labels"], found["opened"]) == (["Call us"], ["https://calls.example.com/"])
