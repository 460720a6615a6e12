"""What the tests of sales' playbook share: the real back office as an agent uses it, and what is said at the beginning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from sales_mcp.rows import Booking
from worker.playbook import playbook
from worker.playbook.story import Story
from worker.testing.playbook import ToolFails

BOOK = playbook.load(files("sales") / "playbook.yaml")
TOOLS = ("find_account", "verify_identity", "get_customer_plan", "list_plans", "make_quote", "find_demo_slots", "book_demo",
         "create_lead")  # fmt: skip
GREETING = "Hi there, I'm your sales specialist. I see you're calling about a demo."
DIRECT = "Thanks for calling Acme Cloud sales. Are you interested in our plans, a quote, or a demo?"
HANDED_OVER = Story(services=("triage", "sales"))
QUOTE = "For 40 people I recommend Cloud Business. That's $6.23 per seat per month, $249 in total."
THURSDAY = "For the demo I have Thursday at nine in the morning. Does that suit you?"
BOOKED = (
    "Your demo is booked for Thursday at nine in the morning, and your reference is D M, 7 0 4 1 8. Just call us then and give it."
    " Is there anything else I can help you with?"
)


class BackOffice:
    """sales_mcp's tools as a worker uses them: it keeps the capability and shows it with each call."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk

    def tool(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            failed, answer = self.desk(name, **arguments)
            if failed:
                raise ToolFails(answer)
            if name == "verify_identity":
                self.desk = self.desk.verified(answer["account_id"])
                answer.pop("capability")
            return answer

        return call

    def tools(self) -> Mapping[str, Callable[..., Any]]:
        by_mcp = {name: self.tool(name) for name in TOOLS}
        return by_mcp | {"end_call": lambda outcome: None, "transfer_call": lambda service, summary: None}


def fail(sentence: str) -> Callable[..., Any]:
    def tool(**arguments: Any) -> Any:
        raise ToolFails(sentence)

    return tool


def booked(office: BackOffice) -> list[str]:
    return [row.slot_id for row in office.desk.rows(Booking) if row.call_id == "call-1"]
