"""The tools as an agent sees them: words in, one JSON text out, refusals as plain sentences.

Plans, quotes, demos and leads are for everybody. A customer's plan is for who was verified for that account on this call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from backoffice import words as shared_words
from backoffice.database import Database, hold
from backoffice.idempotency import IdempotencyKey, once
from backoffice.identity import AccountId, add_identity_tools, caller_of, customer, require_capability
from backoffice.office import BackOffice, CallToolResult, Context
from pydantic import Field, StrictFloat, StrictInt
from sqlalchemy.orm import Session

from sales_mcp import answers, catalogue, demos, leads, quotes, slots, words
from sales_mcp.settings import Settings

_Number = str | StrictInt | StrictFloat
"""As a model or a playbook writes it. Strict, because true is no company size."""
_Size = Annotated[_Number, Field(description="how many people would use it, e.g. 40")]
_Interest = Annotated[str, Field(description="what the caller is interested in, a few words, e.g. shared folders")]


@dataclass(frozen=True, slots=True)
class _Office:
    office: BackOffice
    database: Database
    settings: Settings
    clock: Callable[[], datetime]

    @property
    def today(self) -> date:
        return self.clock().date()


def make_office(database: Database, settings: Settings, *, clock: Callable[[], datetime] | None = None) -> BackOffice:
    """The MCP server with its tools. ``clock`` gives the office's own time, without a zone; the settings' unless given."""
    sales = _Office(BackOffice("sales"), database, settings, clock or settings.now)
    add_identity_tools(sales.office, database, settings)
    _add_customer_plan(sales)
    _add_list_plans(sales)
    _add_quote(sales)
    _add_slots(sales)
    _add_booking(sales)
    _add_lead(sales)
    return sales.office


def _add_customer_plan(sales: _Office) -> None:
    @sales.office.tool()
    def get_customer_plan(account_id: AccountId, context: Context) -> CallToolResult:
        """The plan that a verified customer has now, and the next larger one."""

        def look() -> dict[str, Any]:
            wanted = shared_words.account_id(account_id)
            require_capability(context, wanted, sales.settings)
            with sales.database.reading() as session:
                found = customer(session, wanted)
                plan = catalogue.find(session, found.plan)
                return answers.customer_plan(found, plan, catalogue.next_larger(session, plan))

        return sales.office.answer(look)


def _add_list_plans(sales: _Office) -> None:
    @sales.office.tool()
    def list_plans(
        plan: Annotated[str, Field(description="the name of one plan; empty for all")] = "",
    ) -> CallToolResult:
        """The plans with their prices and features: all of them, or one."""

        def look() -> dict[str, Any]:
            with sales.database.reading() as session:
                if plan.strip():
                    return answers.plan(catalogue.find(session, plan))
                return answers.plans(catalogue.plans(session))

        return sales.office.answer(look)


def _add_quote(sales: _Office) -> None:
    @sales.office.tool()
    def make_quote(
        company_size: _Size,
        idempotency_key: IdempotencyKey,
        context: Context,
        discount_percent: Annotated[_Number, Field(description="whole percent; 0 unless asked for")] = 0,
        plan: Annotated[
            str, Field(description="the plan that the caller wants; empty, or too small: the one that fits")
        ] = "",
    ) -> CallToolResult:
        """Make a quote for a company size: plan, price per seat and total a month; `choice` tells why it is that plan."""

        def leap() -> dict[str, Any]:
            call_id = caller_of(context).call_id
            wanted = quotes.Wanted(words.company_size(company_size), words.percent(discount_percent), plan.strip())
            limit = sales.settings.max_discount_percent

            def make(session: Session) -> dict[str, Any]:
                hold(session, "quotes of call", call_id)
                made = quotes.make(session, wanted, call_id=call_id, limit_percent=limit, today=sales.today)
                named = catalogue.find(session, wanted.plan_name) if wanted.plan_name else None
                choice = answers.choice(made, named=named, fitting=catalogue.fitting(session, wanted.seats))
                return answers.quote(made, catalogue.find(session, made.plan_name), limit_percent=limit, choice=choice)

            arguments = {"seats": wanted.seats, "discount": wanted.discount_percent, "plan": wanted.plan_name.lower()}
            return _once(sales, "make_quote", call_id, idempotency_key, arguments, make)

        return sales.office.answer(leap)


def _add_slots(sales: _Office) -> None:
    @sales.office.tool()
    def find_demo_slots(
        wish: Annotated[
            str, Field(description="when it would suit, e.g. Thursday afternoon, Monday at ten; empty for any time")
        ] = "",
        after: Annotated[str, Field(description="slot_id of a time that did not suit; empty at first")] = "",
    ) -> CallToolResult:
        """Free times for a demo, at most three, each with words to say it by; `as_wished` tells whether the wish could be met."""

        def look() -> dict[str, Any]:
            with sales.database.reading() as session:
                is_full = slots.is_full(session, sales.today)
            if not is_full:
                with sales.database.writing() as session:
                    hold(session, "calendar")
                    slots.fill(session, sales.today)
            wanted = words.wish(wish, sales.today)
            with sales.database.reading() as session:
                found, as_wished = slots.best(session, sales.today, wanted, after=slots.start_of(session, after))
                return answers.times(found, sales.today, wish=wanted, as_wished=as_wished)

        return sales.office.answer(look)


def _add_booking(sales: _Office) -> None:
    @sales.office.tool()
    def book_demo(
        slot_id: Annotated[str, Field(description="slot_id as find_demo_slots gave it")],
        idempotency_key: IdempotencyKey,
        context: Context,
        interest: _Interest = "",
        company_size: _Size = "",
    ) -> CallToolResult:
        """Book a demo at a time that the caller agreed to; one demo a call."""

        def leap() -> dict[str, Any]:
            call_id = caller_of(context).call_id
            wanted = _interest(interest, company_size)

            def book(session: Session) -> dict[str, Any]:
                made = demos.book(session, slot_id.strip(), wanted, call_id=call_id, now=sales.clock())
                return answers.booking(made, sales.today)

            arguments = {"slot": slot_id.strip()}
            return _once(sales, "book_demo", call_id, idempotency_key, arguments, book)

        return sales.office.answer(leap)


def _add_lead(sales: _Office) -> None:
    @sales.office.tool()
    def create_lead(
        idempotency_key: IdempotencyKey,
        context: Context,
        interest: _Interest = "",
        company_size: _Size = "",
        account_id: Annotated[str, Field(description="the account of a verified customer; else empty")] = "",
    ) -> CallToolResult:
        """Keep what the caller is interested in, with this call's quote and demo, for the sales team; one lead a call."""

        def leap() -> dict[str, Any]:
            call_id = caller_of(context).call_id
            account = shared_words.account_id(account_id) if account_id.strip() else None
            if account is not None:
                require_capability(context, account, sales.settings)
            wanted = _interest(interest, company_size)

            def create(session: Session) -> dict[str, Any]:
                lead = leads.create(session, wanted, account_id=account, call_id=call_id, now=sales.clock())
                return {"reference": lead.reference}

            return _once(sales, "create_lead", call_id, idempotency_key, {"account": account}, create)

        return sales.office.answer(leap)


def _once(
    sales: _Office,
    tool: str,
    call_id: str,
    key: str,
    arguments: dict[str, Any],
    work: Callable[[Session], dict[str, Any]],
) -> dict[str, Any]:
    with sales.database.writing() as session:
        return once(session, call_id=call_id, key=key, tool=tool, arguments=arguments, work=lambda: work(session))


def _interest(text: str, size: str | float) -> leads.Interest:
    return leads.Interest(text, words.company_size(size) if str(size).strip() else None)
