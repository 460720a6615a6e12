"""Facts in a caller's words. What is not clear is not a fact: the agent asks. Each kind of fact has a room, ``extract_*``."""

from __future__ import annotations

import re

from worker.understanding.extract_codes import account_id, invoice_number, postal_code, ticket_id
from worker.understanding.extract_money import amount, month, month_of_invoice
from worker.understanding.extract_sales import company_size, current_plan, interest
from worker.understanding.extract_technical import error_message, product, steps_tried

FACT_NAMES = (
    "account_id", "postal_code", "invoice_number", "ticket_id", "amount", "date",
    "error_message", "product", "steps_tried", "current_plan", "interest", "company_size",
)  # fmt: skip

_INTERJECTION = re.compile(r"^\W*(?:(?:oh|o)\s*,\s*|(?:ah|uh|um|er|okay|ok|sorry|well)\b\W+)+", re.IGNORECASE)
"""At the beginning, "oh" and a comma is a sigh and no zero."""


def facts_in(text: str, previous_question: str) -> list[tuple[str, str]]:
    """(name, value) for every fact in ``text``; ``previous_question`` is what the agent said last (it tells what a bare number is).

    A name stands once, except ``steps_tried``: each step is a fact of its own.
    """
    text = _INTERJECTION.sub("", text.replace("’", "'"))
    invoice = invoice_number(text)
    plan = current_plan(text, previous_question)
    found = [
        ("account_id", account_id(text, previous_question)),
        ("postal_code", postal_code(text, previous_question)),
        ("invoice_number", invoice),
        ("ticket_id", ticket_id(text, previous_question)),
        ("amount", amount(text, previous_question)),
        ("date", month(text) or month_of_invoice(invoice)),
        ("error_message", error_message(text, previous_question)),
        ("product", product(text, previous_question)),
        *(("steps_tried", step) for step in steps_tried(text, previous_question)),
        ("current_plan", plan),
        ("interest", interest(text, current_plan=plan)),
        ("company_size", company_size(text, previous_question)),
    ]
    return [(name, value) for name, value in found if value]
