"""What the pages' own scripts do in moments that no browser brings about at will: they run in node, on a document of paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    assert (done["asked"], done["line"], done["focused"]) == (["callback", "claim", "called"], "", "available")
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
