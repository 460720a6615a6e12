"""How calls change hands: from whom to whom, what comes of it, where the time goes, who is full."""

from __future__ import annotations

from tools.dashboards.panel import BAD, GOOD, NAMESPACE, NS, WARN, Dashboard, Kind, Panel, Query, Row, Unit, quantile

WHAT = Row(
    "What comes of handoffs",
    (
        Panel(
            "Moved, of an hour",
            Kind.STAT,
            (Query(
                f'sum(sum_over_time(mesh:handoffs:increase5m{{{NS},outcome="moved"}}[1h]))'
                f' / (sum(sum_over_time(mesh:handoffs:increase5m{{{NS},outcome!="caller_left"}}[1h])) > 0)'
            ),),
            unit=Unit.SHARE, width=4, height=4, limits=((0, BAD), (0.9, WARN), (0.99, GOOD)),
            help="Of all but those whose caller hung up. The rest is laddered, or was heard.",
        ),
        Panel(
            "Begun in an hour",
            Kind.STAT,
            (Query(f"sum(sum_over_time(mesh:handoffs:increase5m{{{NS}}}[1h])) / 10"),),
            width=4, height=4,
        ),
        Panel(
            "Gap above 1 s, of an hour",
            Kind.STAT,
            (Query(f'mesh:slo_errors:ratio1h{{{NS},slo="gap"}}'),),
            unit=Unit.SHARE, width=4, height=4, limits=((0, GOOD), (0.01, WARN), (0.144, BAD)),
            help="One in a hundred is what we allow ourselves.",
        ),
        Panel(
            "Heard by callers, in an hour",
            Kind.STAT,
            (Query(f'sum(sum_over_time(mesh:slo_bad_events:increase5m{{{NS},slo="handoffs"}}[1h])) / 10'),),
            width=4, height=4, limits=((0, GOOD), (1, WARN), (3, BAD)),
            help="lost, silent, error: silence or a broken sentence. Everything else the ladder took care of.",
        ),
        Panel(
            "Breakers",
            Kind.BARS,
            (Query(f"max by (to) (voicemesh_breaker_open{{{NS}}})", "{{to}}"),),
            width=8, height=4, limits=((0, GOOD), (0.5, WARN), (1, BAD)), most=1,
            help="1 open, 0.5 half open: one probe is let through.",
        ),
        Panel(
            "Outcomes, in five minutes",
            Kind.STACK,
            (Query(f"sum by (outcome) (mesh:handoffs:increase5m{{{NS}}})", "{{outcome}}"),),
            width=12,
        ),
        Panel(
            "Failures by taker, in five minutes",
            Kind.STACK,
            (Query(
                f'sum by (to, outcome) (mesh:handoffs:increase5m{{{NS},outcome=~"unreachable|not_ready|lost|silent|error|wrong_service|stale|invalid|no_such_service"}}) > 0',
                "{{to}}: {{outcome}}",
            ),),
            width=12, empty="none failed",
            help="not_ready: it took the offer and was not there in time, mostly for want of CPU or a warm process. Runbook voice-mesh-handoffs-fail.",
        ),
        Panel(
            "From whom to whom, in an hour",
            Kind.TABLE,
            (Query(f"sum by (from, to, outcome) (sum_over_time(mesh:handoffs:increase5m{{{NS}}}[1h])) / 10 > 0.5"),),
            width=24, height=8, columns=("from", "to", "outcome"), empty="nobody was handed over",
        ),
    ),
)  # fmt: skip

TIME = Row(
    "Where the time goes",
    (
        Panel(
            "Silence in a handoff",
            Kind.LINES,
            (
                Query(quantile(0.5, "voicemesh_handoff_gap_seconds", NS), "p50"),
                Query(quantile(0.95, "voicemesh_handoff_gap_seconds", NS), "p95"),
                Query(quantile(0.99, "voicemesh_handoff_gap_seconds", NS), "p99"),
            ),
            unit=Unit.SECONDS, width=12, line=1, has_exemplars=True,
            help="p50 0.2 s, p95 0.7 s are normal. A dot is a call: it leads to its trace.",
        ),
        Panel(
            "Silence in a handoff, p95 by taker",
            Kind.LINES,
            (Query(quantile(0.95, "voicemesh_handoff_gap_seconds", NS, "to"), "{{to}}"),),
            unit=Unit.SECONDS, width=12, line=1,
        ),
        Panel(
            "Steps, p95",
            Kind.LINES,
            (Query(quantile(0.95, "voicemesh_handoff_step_seconds", NS, "step"), "{{step}}"),),
            unit=Unit.SECONDS, width=12,
            help="offer and pass below 0.1 s, ready below 3 s, beside the announcement. ready rises first when a service is short of CPU.",
        ),
        Panel(
            "Ready, p95 by taker",
            Kind.LINES,
            (Query(quantile(0.95, "voicemesh_handoff_step_seconds", f'{NS},step="ready"', "to"), "{{to}}"),),
            unit=Unit.SECONDS, width=12, line=4,
            help="At 4 s (VOICEMESH_READY_TIMEOUT_SECONDS) the giver goes on without it: not_ready.",
        ),
    ),
)  # fmt: skip

FULL = Row(
    "Who is full, who waits",
    (
        Panel(
            "Callers on hold",
            Kind.STACK,
            (Query(f"max by (to) (voicemesh_queue_length{{{NS}}})", "{{to}}"),),
            help="Every worker tells the same. Runbook voice-mesh-queue.",
        ),
        Panel(
            "How waiting ended, in five minutes",
            Kind.STACK,
            (Query(f"sum by (to, outcome) (mesh:queue_waits:increase5m{{{NS}}}) > 0", "{{to}}: {{outcome}}"),),
            empty="nobody waited",
        ),
        Panel(
            "Refused for want of room, in five minutes",
            Kind.STACK,
            (Query(f'sum by (to, outcome) (mesh:handoffs:increase5m{{{NS},outcome=~"at_capacity|draining"}}) > 0', "{{to}}: {{outcome}}"),),
            empty="nobody was refused",
            help="An answer, not a failure: the next worker is asked, then who stands in.",
        ),
    ),
)  # fmt: skip

HANDOFFS = Dashboard(
    "handoffs",
    "voice mesh: handoffs",
    "How calls change hands: what comes of it, where the time goes, who is full.",
    (WHAT, TIME, FULL),
    (NAMESPACE,),
)
