"""The whole story in one sentence, as it fits after "I have the whole story:"; made of what the handoff carried."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.call import Role
from handoff.context import HandoffContext
from handoff.directory import DIRECTORY
from worker.understanding.spoken import money, spelled

from escalation import wishes

_INTENTS = {"billing": "your bill", "technical": "a technical problem", "sales": "our plans"}


def story(context: HandoffContext) -> str:
    """``"you called about your March invoice, $49.99 was refunded, and you asked for a manager"``; empty: nothing is known."""
    clauses = [clause for part in (_matter, _done, _wanted) for clause in part(context)]
    if len(clauses) < 2:
        return "".join(clauses)
    return f"{', '.join(clauses[:-1])}, and {clauses[-1]}"


def _matter(context: HandoffContext) -> Iterator[str]:
    topics = list(_topics(context))
    if topics:
        yield f"you called about {' and '.join(topics)}"


def _topics(context: HandoffContext) -> Iterator[str]:
    known = {name: fact.value for name in ("date", "amount", "product", "interest") if (fact := context.fact(name))}
    if "date" in known:
        yield f"your {known['date']} invoice"
    elif "amount" in known:
        yield f"a charge of {money(known['amount'])}"
    if "product" in known:
        yield f"trouble with {known['product']}"
    if "interest" in known:
        yield known["interest"]
    if not known:
        wanted = [
            context.intent.name,
            *(intent.name for intent in context.pending_intents),
            *reversed(context.services),
        ]
        yield from [_INTENTS[name] for name in dict.fromkeys(wanted) if name in _INTENTS][:1]


def _done(context: HandoffContext) -> Iterator[str]:
    """What tools changed, and what was refused; when nothing, whom the caller has spoken with."""
    done = [clause for line in context.effects if (clause := _effect(line))]
    if wishes.is_above_limit(context.attempts):
        amount = context.fact("amount")
        done.append(f"the refund{f' of {money(amount.value)}' if amount else ''} is above what billing may make")
    yield from done
    spoken_with = [f"our {DIRECTORY[name].spoken_name}" for name in dict.fromkeys(context.services) if name in _INTENTS]
    if spoken_with and not done:
        yield f"you have spoken with {' and '.join(spoken_with)}"


def _effect(line: str) -> str:
    tool, reference, value, *_ = *line.split(), "", ""
    return {
        "process_refund": f"{money(value)} was refunded" if value else "a refund was made",
        "open_ticket": f"ticket {spelled(reference)} was opened",
        "book_demo": "a demo was booked",
        "apply_offer": "I made you an offer",
        "open_complaint": "your complaint case is open",
        "book_callback": "a manager's call is booked",
        "request_human": "I asked for a colleague",
    }.get(tool, "")


def _wanted(context: HandoffContext) -> Iterator[str]:
    said = " ".join(turn.text for turn in context.turns if turn.role is Role.CALLER)
    if wishes.CANCEL.search(said):
        yield "you are thinking of leaving us"
    elif wishes.complains(context.turns):
        yield "you want to make a complaint"
    if wishes.MANAGER.search(said):
        yield "you asked for a manager"
