"""What the tests of billing's playbook share: the real back office as an agent uses it, and calls that have just begun."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from backoffice.database import Database
from backoffice.testing import Call
from billing_mcp.rows import Mailing, Refund
from billing_mcp.settings import Settings
from billing_mcp.tools import make_office
from sqlalchemy import func, select
from worker.playbook import playbook
from worker.testing.playbook import Play, ToolFails

BOOK = playbook.load(files("billing") / "playbook.yaml")
GREETING = "Hi there, I'm your billing specialist. I see you're calling about your March invoice."
ANNOUNCEMENT = "I'm connecting you with our billing specialist who can help you with this. One moment please."
COMPLAINT = "Hi, I was charged twice for my March invoice."
ASK_ACCOUNT = "Could you tell me your account ID, please?"
ASK_ZIP = "Thank you. And what is the ZIP code on the account?"
LOOK = "Thank you, Sarah. Let me look at your March invoice."
OFFER = "I can see the duplicate charge of $49.99 on your March invoice. Would you like me to refund it?"
DONE = "I've refunded $49.99. Your reference is R F, 2 0 4 1 7."
ANYTHING_ELSE = "Is there anything else I can help you with?"
CALLBACK = "Shall I ask a colleague to call you back?"
TOOLS = (
    "find_account", "verify_identity", "get_recent_invoices", "check_refund_eligibility", "process_refund", "explain_charge",
    "get_payment_status", "resend_invoice",
)  # fmt: skip
LEARNED = {"check_refund_eligibility": {"invoice_number": "invoice_number", "amount": "amount"}}
VERIFIED = {"account_id": "AC4721", "display_name": "Sarah Chen", "identity_capability": "verified"}


class BackOffice:
    """billing_mcp's tools over a fresh database, as an agent calls them: it shows the capability that it was given."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._call = Call(office=make_office(database, settings), settings=settings)

    def tool(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            failed, answer = self._call(name, **arguments)
            if failed:
                raise ToolFails(answer)
            if name == "verify_identity":
                self._call = self._call.holding(answer.pop("capability"))
            return answer

        return call

    def verify(self, account_id: str) -> None:
        self._call = self._call.verified(account_id)

    def tools(self) -> dict[str, Callable[..., Any]]:
        local = {"end_call": lambda outcome: None, "transfer_call": lambda service, summary: None}
        return {name: self.tool(name) for name in TOOLS} | local

    def count(self, table: type[Refund] | type[Mailing]) -> int:
        with self._database.reading() as session:
            return int(session.scalar(select(func.count()).select_from(table).where(_of_the_call(table))) or 0)

    def refunds(self) -> int:
        return self.count(Refund)


def _of_the_call(table: type[Refund] | type[Mailing]) -> Any:
    return Refund.call_id == "call-1" if table is Refund else True


def taken(office: BackOffice, *, said: str = COMPLAINT, facts: dict[str, str] | None = None, **more: Any) -> Play:
    """A call that triage has just handed over."""
    play = Play(BOOK, office.tools(), facts=dict(facts or {}), learned=LEARNED, **more)
    play.heard(said)
    play.agent(ANNOUNCEMENT)
    play.agent(GREETING)
    return play


def fail(sentence: str) -> Callable[..., Any]:
    def tool(**arguments: Any) -> Any:
        raise ToolFails(sentence)

    return tool


def went_to(play: Play) -> list[str]:
    return [call["service"] for call in play.called("transfer_call")]
