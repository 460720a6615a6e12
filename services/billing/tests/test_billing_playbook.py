"""Billing's playbook, whole dialogues: with its real back office behind it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import pytest
from billing_mcp import tools as back_office
from billing_mcp.database import Database
from billing_mcp.rows import Refund
from billing_mcp.settings import Settings
from sqlalchemy import func, select
from worker import playbook
from worker.playbook_testing import Play, ToolFails

GREETING = "Hi there, I'm your billing specialist. I see you're calling about your March invoice."
COMPLAINT = "Hi, I was charged twice for my March invoice."
OFFER = "I can see the duplicate charge of $49.99 on your March invoice. Would you like me to refund it?"
DONE = "I've refunded $49.99. Your reference is R F, 2 0 4 1 7."
LEARNED = {
    "get_account": {"account_id": "account_id", "display_name": "name"},
    "check_refund_eligibility": {"invoice_number": "invoice_number", "amount": "amount"},
}


class BackOffice:
    """billing_mcp's tools over a fresh database, as an agent calls them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._server = back_office.server(database, settings)

    def tool(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            result = anyio.run(self._server.call_tool, name, arguments)
            text = result.content[0].text
            if result.is_error:
                raise ToolFails(text)
            return json.loads(text)

        return call

    def tools(self) -> dict[str, Callable[..., Any]]:
        names = ("get_account", "get_recent_invoices", "check_refund_eligibility", "process_refund")
        return {name: self.tool(name) for name in names} | {"end_call": lambda outcome: None}

    def refunds(self) -> int:
        with self._database.reading() as session:
            return int(session.scalar(select(func.count()).select_from(Refund)) or 0) - 1  # one is seeded


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file to copy: migrating anew for every test takes most of its time."""
    path = tmp_path_factory.mktemp("seeded") / "billing.db"
    database = Database(Settings(database_url=f"sqlite:///{path}"))
    database.prepare()
    database.close()
    return path


@pytest.fixture
def office(tmp_path: Path, seeded: Path) -> Iterator[BackOffice]:
    shutil.copy(seeded, tmp_path / "billing.db")
    settings = Settings(database_url=f"sqlite:///{tmp_path}/billing.db")
    database = Database(settings)
    yield BackOffice(database, settings)
    database.close()


@pytest.fixture
def play(office: BackOffice) -> Play:
    """A call that triage has just handed over; the account is not known yet."""
    book = playbook.load(files("billing") / "playbook.yaml")
    play = Play(book, office.tools(), facts={"date": "March"}, learned=LEARNED)
    play.heard(COMPLAINT)
    play.agent("I'm connecting you with our billing specialist who can help you with this. One moment please.")
    play.agent(GREETING)
    return play


def fail(sentence: str) -> Callable[..., Any]:
    def tool(**arguments: Any) -> Any:
        raise ToolFails(sentence)

    return tool


def test_the_duplicate_charge_with_the_account_asked_for(play: Play, office: BackOffice) -> None:
    assert play.go_on() == "Could you tell me your account ID, please?"
    assert (
        play.caller("My account ID is A C 4 7 2 1.") == f"Thank you, Sarah. Let me look at your March invoice. {OFFER}"
    )
    said = play.caller("Yes please.")
    assert said == f"All done, Sarah. {DONE} Is there anything else I can help you with today?"
    assert play.caller("No, that's all, thank you.") == "Thanks for calling Acme Cloud. Have a great day. Goodbye."
    assert [name for name, _ in play.calls] == ["get_account", "check_refund_eligibility", "process_refund", "end_call"]
    assert play.called("end_call") == [{"outcome": "resolved"}]
    assert office.refunds() == 1


def test_the_goodbye_and_the_hanging_up_are_one_decision(play: Play) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.caller("yes")
    play.caller("no thanks")
    last = play.decisions[-1]
    assert last.say.endswith("Goodbye.")
    assert last.call is not None and last.call.name == "end_call"


def test_an_account_that_is_known_is_not_asked_for(play: Play) -> None:
    play.facts["account_id"] = "AC4721"
    assert play.go_on() == f"Thank you, Sarah. Let me look at your March invoice. {OFFER}"


def test_the_idempotency_key_is_made_of_the_call_and_the_charge(play: Play) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.caller("Yes.")
    assert play.called("process_refund") == [
        {
            "account_id": "AC4721",
            "charge_id": "CH-2026-03-0417-2",
            "amount": "49.99",
            "idempotency_key": "call-1:CH-2026-03-0417-2",
        }
    ]


def test_without_a_month_the_duplicate_is_found_all_the_same(play: Play) -> None:
    play.facts = {"account_id": "AC4721"}
    assert play.go_on() == f"Thank you, Sarah. Let me look at your invoice. {OFFER}"


def test_a_wrong_account_is_read_back_and_asked_for_again(play: Play) -> None:
    play.go_on()
    assert play.caller("It's AC4712.") == (
        "I can't find an account with the ID A C, 4 7 1 2. Could you say your account ID again, please?"
    )
    assert play.caller("Sorry, AC4721.").endswith(OFFER)


def test_after_three_wrong_accounts_it_stops_asking(play: Play) -> None:
    play.go_on()
    said = [play.caller(f"AC000{n}") for n in range(4)]
    assert ["A C" in text for text in said] == [True, True, True, False]
    assert len(set(said)) == 4
    assert "without the right account ID I can't look at your bill" in said[3]
    assert play.caller("No.").endswith("Goodbye.")
    assert play.called("end_call") == [{"outcome": "failed"}]


def test_a_caller_who_never_gives_the_account_is_asked_three_times_at_most(play: Play) -> None:
    said = [play.go_on(), *(play.caller("Um, I have it somewhere here.") for _ in range(3))]
    assert sum("account ID" in text and text.endswith(("?", "time.")) and "without" not in text for text in said) == 3
    assert "without the right account ID" in said[3]
    assert len(set(said)) == 4


def test_the_account_is_taken_even_after_it_stopped_asking(play: Play) -> None:
    play.go_on()
    for _ in range(3):
        play.caller("Um.")
    assert play.caller("Oh wait, I have it. AC4721.").endswith(OFFER)


def test_a_no_to_the_refund_refunds_nothing(play: Play, office: BackOffice) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    said = play.caller("No, thank you.")
    assert said == "All right, I won't refund the March charge. Is there anything else I can help you with?"
    assert play.caller("No.").endswith("Goodbye.")
    assert office.refunds() == 0


@pytest.mark.parametrize(
    "answer",
    ["Hm, maybe.", "What do you mean?", "Yes, no, wait.", "mumble mumble", "How long does it take?", "I'm not sure."],
)
def test_an_unclear_answer_leads_to_a_question_and_never_to_a_refund(
    play: Play, office: BackOffice, answer: str
) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    assert "$49.99 for March" in play.caller(answer)
    assert office.refunds() == 0
    assert DONE in play.caller("Yes.")


def test_a_yes_that_was_badly_heard_is_no_yes(play: Play, office: BackOffice) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    assert "yes or no" in play.caller("Yes.", confidence=0.1)
    assert office.refunds() == 0


def test_a_yes_to_an_offer_that_was_hardly_heard_is_no_yes(play: Play, office: BackOffice) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.interrupted_after(5)
    assert play.caller("Yes, hello?") == OFFER
    assert office.refunds() == 0


def test_a_caller_who_answers_before_the_question_is_over_is_understood(play: Play) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.interrupted_after(len(OFFER.split()) - 2)
    assert DONE in play.caller("Yes please.")


def test_after_three_unclear_answers_the_charge_is_left_alone(play: Play, office: BackOffice) -> None:
    play.facts["account_id"] = "AC4721"
    said = [play.go_on(), *(play.caller("mumble") for _ in range(3))]
    assert len(set(said)) == 4
    assert "I'll leave the March charge as it is" in said[3]
    assert play.caller("no").endswith("Goodbye.")
    assert office.refunds() == 0


@pytest.mark.parametrize(
    ("account_id", "words"),
    [
        ("AC1058", "I don't see a duplicate charge on your March invoice."),
        ("AC2390", "is still pending"),
        ("AC3344", "was already refunded. The reference is R F, 2 0 4 1 6."),
        ("AC5867", "It needs a colleague with more authority"),
    ],
)
def test_what_cannot_be_refunded_is_explained(play: Play, office: BackOffice, account_id: str, words: str) -> None:
    play.facts["account_id"] = account_id
    said = play.go_on()
    assert words in said
    assert said.endswith("Is there anything else I can help you with?")
    play.caller("No thanks, bye.")
    assert play.called("end_call") == [{"outcome": "resolved"}]
    assert office.refunds() == 0


def test_with_the_tools_away_it_says_what_it_cannot_do(play: Play) -> None:
    play.tools = {"end_call": lambda outcome: None}
    said = play.go_on()
    assert "can't reach our billing records" in said
    assert "account ID" not in said
    assert play.caller("AC4721, please look.") != said
    assert play.caller("No.").endswith("Goodbye.")
    assert play.called("end_call") == [{"outcome": "failed"}]


@pytest.mark.parametrize("tool", ["get_account", "check_refund_eligibility", "process_refund"])
def test_a_tool_that_fails_is_tried_twice_and_nothing_is_invented(play: Play, office: BackOffice, tool: str) -> None:
    play.facts["account_id"] = "AC4721"
    play.tools = office.tools() | {tool: fail("An internal error occurred")}
    said = play.go_on()
    if tool == "process_refund":
        said = play.caller("Yes.")
    assert len(play.called(tool)) == 2
    assert "call us again a little later" in said
    assert "R F" not in said
    assert play.caller("No.").endswith("Goodbye.")
    assert play.called("end_call") == [{"outcome": "failed"}]


def test_a_refund_whose_answer_was_lost_is_paid_once(play: Play, office: BackOffice) -> None:
    real, lost = office.tool("process_refund"), [True]

    def flaky(**arguments: Any) -> Any:
        result = real(**arguments)
        if lost:
            lost.clear()
            raise ToolFails("An internal error occurred")
        return result

    play.tools = office.tools() | {"process_refund": flaky}
    play.facts["account_id"] = "AC4721"
    play.go_on()
    assert DONE in play.caller("Yes.")
    assert len({call["idempotency_key"] for call in play.called("process_refund")}) == 1
    assert office.refunds() == 1


def test_after_a_crash_the_conversation_goes_on_where_it_was(play: Play, office: BackOffice) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.forget_tools()
    said = play.caller("Yes please.")
    assert DONE in said
    assert "Thank you, Sarah" not in said, "what was said is not said again"
    assert office.refunds() == 1


def test_after_a_crash_that_followed_the_refund_it_is_not_paid_again(play: Play, office: BackOffice) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.caller("Yes please.")
    play.forget_tools()
    assert play.caller("No, that's all.").endswith("Goodbye.")
    assert office.refunds() == 1


@pytest.mark.parametrize(
    "asked", ["I didn't get the reference.", "Could you repeat that?", "What was the reference again?"]
)
def test_the_reference_is_repeated_when_asked_for(play: Play, asked: str) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.caller("Yes.")
    assert "Your reference is R F, 2 0 4 1 7" in play.caller(asked)


def test_another_month_is_looked_at_when_the_caller_names_it(play: Play) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.caller("Yes.")
    said = play.caller("Yes, I think I was also charged twice in February.")
    assert said.startswith("Thank you, Sarah. Let me look at your February invoice.")
    assert "I don't see a duplicate charge on your February invoice." in said


def test_something_for_another_team_is_declined_honestly(play: Play) -> None:
    play.facts["account_id"] = "AC4721"
    play.go_on()
    play.caller("Yes.")
    assert "I can only help with bills and refunds" in play.caller("My server is not working either.")


def test_a_direct_caller_is_asked_what_it_is_about(office: BackOffice) -> None:
    play = Play(playbook.load(files("billing") / "playbook.yaml"), office.tools(), learned=LEARNED)
    play.agent("Thanks for calling Acme Cloud billing. How can I help you with your account?")
    assert "account ID" in play.caller("Hello, I have a question.")
    assert play.caller("It's AC1058.") == "Thank you, Marcus. Is it about a wrong charge, or about your latest invoice?"
    assert "Your latest invoice is from March, and its total is $49.99." in play.caller("About my latest invoice.")


def test_nothing_is_said_twice_in_a_whole_call(play: Play) -> None:
    play.go_on()
    for words in ("Um.", "AC4712", "AC4721", "What?", "Yes.", "Hm?", "No."):
        play.caller(words)
    said = [turn.text for turn in play.conversation.agent_turns]
    assert len(said) == len(set(said))
