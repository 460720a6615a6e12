"""The first page: is somebody harmed now, do we keep our promises, where is it full."""

from __future__ import annotations

from tools.dashboards.panel import BAD, GOOD, NS, WARN, Dashboard, Kind, Panel, Query, Row, Unit, quantile

_OK_OR_BAD = ((0, GOOD), (1, BAD))
_BURN = ((0, GOOD), (1, WARN), (3, WARN), (6, BAD))

NOW = Row(
    "Is anybody harmed now?",
    (
        Panel(
            "Calls without an agent",
            Kind.STAT,
            (Query(f'sum(max by (reason) (voicemesh_calls_without_ending{{{NS},reason="lease_passed"}}))'),),
            width=4, height=4, limits=_OK_OR_BAD,
            help="Callers who hear silence at this moment. 0 is normal. Runbook voice-mesh-silent-drop.",
        ),
        Panel(
            "Failed in an hour",
            Kind.STAT,
            (Query(f'sum(sum_over_time(mesh:endings:increase5m{{{NS},ending="failed"}}[1h])) / 10'),),
            width=4, height=4, limits=_OK_OR_BAD,
            help="Calls that ended with an apology. 0 is normal. `python -m ledger show --since 1h` has the reasons.",
        ),
        Panel(
            "Breakers open",
            Kind.STAT,
            (Query(f"sum(max by (to) (voicemesh_breaker_open{{{NS}}}) > bool 0)"),),
            width=4, height=4, limits=_OK_OR_BAD,
            help="Services to which nobody offers calls. Runbook voice-mesh-breaker-open.",
        ),
        Panel(
            "Callers on hold",
            Kind.STAT,
            (Query(f"sum(max by (to) (voicemesh_queue_length{{{NS}}}))"),),
            width=4, height=4, limits=((0, GOOD), (1, WARN), (3, BAD)),
            help="They hear music, for half a minute at most. Runbook voice-mesh-queue.",
        ),
        Panel(
            "Workers that reach Redis",
            Kind.STAT,
            (Query(f"avg(voicemesh_store_up{{{NS}}})"),),
            unit=Unit.SHARE, width=4, height=4, limits=((0, BAD), (0.5, WARN), (1, GOOD)),
            help="Calls go on without it, recovery does not. Runbook voice-mesh-store-away.",
        ),
        Panel(
            "Live calls",
            Kind.STAT,
            (Query(f"max(voicemesh_live_calls{{{NS}}})"),),
            width=4, height=4,
            help="Calls of the whole mesh without an ending. Every worker tells the same.",
        ),
        Panel(
            "Alerts that fire",
            Kind.TABLE,
            (Query(f'ALERTS{{alertname=~"VoiceMesh.*",alertstate="firing",{NS}}}'),),
            width=24, height=5,
            columns=("severity", "alertname", "service", "to", "slo", "tool", "reason", "duty", "cause"),
            empty="nothing fires",
            help="Each has a page in docs/operations/runbooks.",
        ),
    ),
)  # fmt: skip

PROMISES = Row(
    "Do we keep our promises?",
    (
        Panel(
            "How fast the budget burns, over an hour",
            Kind.LINES,
            (Query(f"mesh:slo_errors:ratio1h{{{NS}}} / on (slo) group_left () (1 - mesh:slo_objective:ratio)", "{{slo}}"),),
            unit=Unit.TIMES, width=16, line=14.4,
            help="1: as fast as the promise allows. 14.4: a month's budget in two days, and somebody is woken.",
        ),
        Panel(
            "How fast, over three days",
            Kind.BARS,
            (Query(f"mesh:slo_errors:ratio3d{{{NS}}} / on (slo) group_left () (1 - mesh:slo_objective:ratio)", "{{slo}}"),),
            unit=Unit.TIMES, limits=_BURN, most=6,
            help="Above 1 the month's budget does not last. Objectives: docs/operations/monitoring.md.",
        ),
    ),
)  # fmt: skip

CALLS = Row(
    "Calls",
    (
        Panel(
            "Calls, by the service that has them",
            Kind.STACK,
            (Query(f"sum by (service) (active_sessions{{{NS}}})", "{{service}}"),),
            help="What each worker's main process counts.",
        ),
        Panel(
            "How full",
            Kind.BARS,
            (Query(f"sum by (service) (active_sessions{{{NS}}}) / (sum by (service) (voicemesh_capacity_sessions{{{NS}}}) > 0)", "{{service}}"),),
            unit=Unit.SHARE, limits=((0, GOOD), (0.7, WARN), (0.85, BAD)), most=1,
            help="An alert comes at 85 %, for triage at 70 %. Runbook voice-mesh-capacity.",
        ),
        Panel(
            "How calls ended, in five minutes",
            Kind.STACK,
            (Query(f"sum by (ending) (mesh:endings:increase5m{{{NS}}})", "{{ending}}"),),
            help="Red is failed: 0 is normal.",
        ),
    ),
)  # fmt: skip

HEARD = Row(
    "What callers hear",
    (
        Panel(
            "From the caller's last sound to the agent's first, p95",
            Kind.LINES,
            (Query(quantile(0.95, "voicemesh_response_seconds", NS, "service"), "{{service}}"),),
            unit=Unit.SECONDS, line=3, has_exemplars=True,
            help="p95 of 1.5 s is normal; it depends on the providers. Runbook voice-mesh-responses-slow.",
        ),
        Panel(
            "Silence in a handoff, p95",
            Kind.LINES,
            (Query(quantile(0.95, "voicemesh_handoff_gap_seconds", NS, "to"), "{{to}}"),),
            unit=Unit.SECONDS, line=1, has_exemplars=True,
            help="From the giver's last word to the taker's first; 0.7 s is normal. Runbook voice-mesh-handoff-gap.",
        ),
        Panel(
            "Turns in which the mood was falling, of an hour",
            Kind.LINES,
            (Query(f"mesh:sentiment_falling:ratio1h{{{NS}}}", "{{service}}"),),
            unit=Unit.SHARE,
            help="Compare with the days before. Runbook voice-mesh-sentiment-falling.",
        ),
        Panel(
            "Handoffs that were not moved, in five minutes",
            Kind.STACK,
            (Query(f'sum by (outcome) (mesh:handoffs:increase5m{{{NS},outcome!="moved"}}) > 0', "{{outcome}}"),),
            empty="every handoff was moved",
            help="at_capacity and draining are answers; lost, silent and error callers hear. Runbook voice-mesh-handoffs-fail.",
        ),
        Panel(
            "Agents that were lost, in five minutes",
            Kind.STACK,
            (Query(f"sum by (outcome) (mesh:recoveries:increase5m{{{NS}}}) > 0", "{{outcome}}"),),
            empty="no agent was lost",
            help="Each relaunched or dispatched one is an apology that a caller heard. Runbook voice-mesh-recoveries.",
        ),
        Panel(
            "Providers that failed, in five minutes",
            Kind.STACK,
            (Query(f"sum by (service, kind) (increase(voicemesh_fallbacks_total{{{NS}}}[5m])) > 0", "{{service}}: {{kind}}"),),
            empty="no provider failed",
            help="What stands behind it answered: the playbook, the second voice, the second ears.",
        ),
    ),
)  # fmt: skip

GLANCE = Dashboard(
    "mesh-at-a-glance",
    "voice mesh: at a glance",
    "Red is a caller's harm now. From top to bottom: is anybody harmed, do we keep our promises, where is it full, what do callers hear.",
    (NOW, PROMISES, CALLS, HEARD),
)
