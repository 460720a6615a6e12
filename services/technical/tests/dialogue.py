"""What the tests of technical's playbook share: the real back office as an agent uses it, and calls that have just begun."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from backoffice.testing import Call, opened
from sqlalchemy import select
from technical_mcp.rows import Ticket, TicketUpdate
from worker.playbook import playbook
from worker.testing.playbook import Play, ToolFails

GREETING = "Hi there, I'm your technical specialist. I see you're calling about this problem: the app keeps crashing."
FOUND = "I found the reason. Version 4.2 of the app crashes while it syncs large folders."
BOOK = playbook.load(files("technical") / "playbook.yaml")
UPDATE = "Please update the app to version 4.3, from its help menu. Does it work now?"
RESTART = "Please quit the app, wait ten seconds, and open it again. Does it work now?"
OPENED = (
    "I've opened a ticket for our engineers. Its number is T K, 3 0 5 1 8. Is there anything else I can help you with?"
)
NAMES = (
    "find_account", "verify_identity", "run_diagnostics", "search_known_issues", "open_ticket", "get_ticket", "update_ticket",
)  # fmt: skip
LEARNED = {
    "run_diagnostics": {"diagnosis": "diagnosis"},
    "open_ticket": {"ticket_id": "ticket_id"},
}


class BackOffice:
    """technical_mcp's tools over a fresh database, as an agent calls them; it keeps the capability as a worker does."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def tool(self, name: str) -> Callable[..., Any]:
        def run(**arguments: Any) -> Any:
            failed, answer = self.call(name, **arguments)
            if failed:
                raise ToolFails(answer)
            if "capability" in answer:
                self.call = self.call.holding(answer.pop("capability"))
            return answer

        return run

    def tools(self) -> dict[str, Callable[..., Any]]:
        return {name: self.tool(name) for name in NAMES} | {
            "end_call": lambda outcome: None,
            "transfer_call": lambda service, summary: None,
        }

    def tickets(self, account_id: str = "AC4721") -> list[str]:
        with (
            opened(self.call.settings, package="technical_mcp") as database,
            database.reading() as session,
        ):
            return list(session.scalars(select(Ticket.problem).where(Ticket.account_id == account_id)))

    def notes(self) -> list[str]:
        with (
            opened(self.call.settings, package="technical_mcp") as database,
            database.reading() as session,
        ):
            return list(session.scalars(select(TicketUpdate.note).where(TicketUpdate.written_by == "caller")))


def taken(
    office: BackOffice,
    account_id: str = "AC4721",
    name: str = "Sarah Chen",
    said: str = "Hi, the app keeps crashing.",
    **facts: str,
) -> Play:
    """A call that another service has verified and handed over."""
    office.call = office.call.verified(account_id)
    known = {"account_id": account_id, "display_name": name, "identity_capability": "verified"}
    play = Play(BOOK, office.tools(), facts=known | facts, learned=LEARNED)
    play.heard(said)
    play.agent("I'm connecting you with our technical specialist who can help you with this. One moment please.")
    play.agent(GREETING)
    return play


def direct(office: BackOffice) -> Play:
    """A caller of technical's own line."""
    play = Play(BOOK, office.tools(), learned=LEARNED)
    play.agent("Thanks for calling Acme Cloud technical support. What can I look at for you?")
    return play


def fail(sentence: str) -> Callable[..., Any]:
    def tool(**arguments: Any) -> Any:
        raise ToolFails(sentence)

    return tool
