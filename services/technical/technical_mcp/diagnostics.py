"""What is wrong with an account's product: an incident, a known issue, measurements out of the ordinary, or nothing that we see.

Of what explains the caller's words the best match wins, an incident before a known issue. Steps that were tried are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from backoffice.office import Refused
from sqlalchemy import select
from sqlalchemy.orm import Session

from technical_mcp import wording
from technical_mcp.rows import Incident, KnownIssue, Product, Step, Usage

MAX_STEPS = 2
"""More is not asked of a caller before a person looks at it."""
_SLOW_FACTOR, _SLOW_MS = 2.0, 300
_MANY_FAILURES = 0.03
"""Of all requests on one day; usual is below 0.005 in the example data."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller told: all of it may be empty. ``product`` is a product's name."""

    product: str = ""
    problem: str = ""
    steps_tried: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """``code``: incident, known_issue, degraded, healthy, which_product. ``reason`` is a plain sentence, or some.

    ``diagnosis`` is for other services, in a few words; ``steps`` are sentences that say what to try, best first.
    """

    code: str
    reason: str
    product: Product | None = None
    reference: str = ""
    diagnosis: str = ""
    workaround: str = ""
    steps: tuple[str, ...] = ()
    choices: str = ""
    usage: Sequence[Usage] = field(default=())


def diagnose(session: Session, account_id: str, asked: Asked) -> Finding:
    """Looks at the product that is meant. Raises Refused when the account has none at all."""
    has = list(session.scalars(select(Product).where(Product.account_id == account_id).order_by(Product.product)))
    if not has:
        raise Refused("There is no product on this account.")
    named = [p for p in has if p.product == asked.product]
    meant = named or _meant(session, has, asked)
    missing = f"There is no {asked.product} on your account." if asked.product and not named else ""
    if len(meant) > 1:
        reason = missing or "There is more than one product on your account."
        return Finding("which_product", reason, choices=wording.choice([p.product for p in has]))
    found = _judge(session, meant[0], asked)
    return replace(found, reason=f"{missing} I looked at {meant[0].product}. {found.reason}") if missing else found


def known(session: Session, *, product: str = "", problem: str = "") -> list[Incident | KnownIssue]:
    """Open incidents and known issues that fit the words, best first; of all products when none is named."""
    incidents = session.scalars(select(Incident).where(Incident.status == "open"))
    found = [e for e in (*incidents, *_issues(session)) if product in ("", e.product)]
    scored = [(wording.matches(e.symptoms, problem), e) for e in found]
    return [e for score, e in sorted(scored, key=lambda s: -s[0]) if score]


def _meant(session: Session, has: Sequence[Product], asked: Asked) -> Sequence[Product]:
    """The only product, or the only one that has a known issue or an incident like the problem."""
    if len(has) == 1:
        return has
    fitting = [p for p in has if known(session, product=p.product, problem=asked.problem)]
    return fitting if len(fitting) == 1 else has


def _issues(session: Session) -> list[KnownIssue]:
    return list(session.scalars(select(KnownIssue).order_by(KnownIssue.issue_id)))


def _judge(session: Session, product: Product, asked: Asked) -> Finding:
    name = product.product
    here = Incident.product == name, Incident.region == product.region, Incident.status == "open"
    incident = session.scalar(select(Incident).where(*here).order_by(Incident.incident_id))
    issues = [
        i for i in _issues(session) if i.product == name and (not i.versions or product.app_version in i.versions)
    ]
    issue = max(issues, key=lambda i: wording.matches(i.symptoms, asked.problem), default=None)
    fits = wording.matches(issue.symptoms, asked.problem) if issue is not None else 0
    # An open incident is there, whatever words the caller found for it: only a known issue that fits better goes before.
    if incident is not None and wording.matches(incident.symptoms, asked.problem) >= fits:
        return _incident(product, incident)
    steps = _untried(session, name, asked.steps_tried)
    if issue is not None and fits:
        if not wording.tried(issue.tried_as, asked.steps_tried):
            steps = [issue.workaround, *steps]
        return _known_issue(product, issue, steps)
    return _measured(product, steps)


def _untried(session: Session, product: str, tried: str) -> list[str]:
    steps = session.scalars(select(Step).where(Step.product == product).order_by(Step.position))
    return [step.instruction for step in steps if not wording.tried(step.tried_as, tried)]


def _incident(product: Product, incident: Incident) -> Finding:
    return Finding(
        "incident",
        incident.explanation,
        product,
        reference=incident.incident_id,
        diagnosis=f"incident {incident.incident_id}, {incident.title}",
        workaround=incident.workaround,
        usage=product.usage,
    )


def _known_issue(product: Product, issue: KnownIssue, steps: Sequence[str]) -> Finding:
    return Finding(
        "known_issue",
        issue.explanation,
        product,
        reference=issue.issue_id,
        diagnosis=f"known issue {issue.issue_id}, {issue.title}",
        workaround=issue.workaround,
        steps=tuple(steps[:MAX_STEPS]),
        usage=product.usage,
    )


def _measured(product: Product, steps: Sequence[str]) -> Finding:
    name, newest = product.product, product.usage[0]
    usual = usual_ms(product.usage)
    if newest.latency_ms >= max(_SLOW_FACTOR * usual, usual + _SLOW_MS):
        code, diagnosis = "degraded", f"{name} answers slowly"
        reason = f"Your {name} takes {_seconds(newest.latency_ms)} to answer, usually it is {_seconds(usual)}."
    elif newest.failures >= _MANY_FAILURES * newest.requests and newest.failures:
        code, diagnosis = "degraded", f"{name} fails often"
        reason = f"Of a hundred requests to your {name}, {failure_percent(newest):.0f} fail."
    else:
        code, diagnosis = "healthy", f"no fault of {name} on our side"
        reason = f"On our side your {name} looks healthy."
    return Finding(code, reason, product, diagnosis=diagnosis, steps=tuple(steps[:MAX_STEPS]), usage=product.usage)


def usual_ms(usage: Sequence[Usage]) -> int:
    """The median of the days before the newest, in milliseconds."""
    return int(median([day.latency_ms for day in usage[1:]] or [usage[0].latency_ms]))


def failure_percent(day: Usage) -> float:
    """Failures of a hundred requests."""
    return 100 * day.failures / day.requests if day.requests else 0.0


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} seconds"
