"""One service: its places, its answers, where their time goes, its tools, its callers."""

from __future__ import annotations

from tools.dashboards.panel import (
    BAD,
    GOOD,
    NAMESPACE,
    NS,
    SERVICES,
    WARN,
    Dashboard,
    Kind,
    Panel,
    Query,
    Row,
    Unit,
    Variable,
    quantile,
)

_ITS = f'{NS},service="$service"'
_TO_IT = f'{NS},to="$service"'

PLACES = Row(
    "Places",
    (
        Panel(
            "Full", Kind.STAT,
            (Query(f"sum(active_sessions{{{_ITS}}}) / (sum(voicemesh_capacity_sessions{{{_ITS}}}) > 0)"),),
            unit=Unit.SHARE, width=4, height=4, limits=((0, GOOD), (0.7, WARN), (0.85, BAD)),
        ),
        Panel("Workers", Kind.STAT, (Query(f"count(voicemesh_worker_info{{{_ITS}}})"),), width=4, height=4, limits=((0, BAD), (1, WARN), (2, GOOD)),
              help="With one there is nobody to move calls to."),
        Panel("On hold for it", Kind.STAT, (Query(f"max(voicemesh_queue_length{{{_TO_IT}}})"),), width=4, height=4, limits=((0, GOOD), (1, WARN), (3, BAD))),
        Panel(
            "Versions", Kind.TABLE,
            (Query(f"count by (version, canary) (voicemesh_worker_info{{{_ITS}}})"),),
            width=12, height=4, columns=("version", "canary"),
            help="More than one: a release goes on, or a canary. docs/operations/canary.md.",
        ),
        Panel(
            "Calls and places", Kind.LINES,
            (Query(f"sum(active_sessions{{{_ITS}}})", "calls"), Query(f"sum(voicemesh_capacity_sessions{{{_ITS}}})", "places")),
            help="Runbook voice-mesh-capacity.",
        ),
        Panel(
            "Agents that came, in five minutes", Kind.STACK,
            (Query(f"sum by (how) (increase(voicemesh_calls_joined_total{{{_ITS}}}[5m]))", "{{how}}"),),
            help="resume: one came for an agent that was lost; move: a worker drained.",
        ),
        Panel(
            "Handoffs to it, in five minutes", Kind.STACK,
            (Query(f"sum by (outcome) (mesh:handoffs:increase5m{{{_TO_IT}}})", "{{outcome}}"),),
        ),
    ),
)  # fmt: skip

ANSWERS = Row(
    "Its answers",
    (
        Panel(
            "From the caller's last sound to the agent's first", Kind.LINES,
            (
                Query(quantile(0.5, "voicemesh_response_seconds", _ITS), "p50"),
                Query(quantile(0.95, "voicemesh_response_seconds", _ITS), "p95"),
            ),
            unit=Unit.SECONDS, width=12, line=3, has_exemplars=True,
            help="p50 0.9 s, p95 1.5 s are normal. A dot is a call: it leads to its trace. Runbook voice-mesh-responses-slow.",
        ),
        Panel(
            "What that is made of, p95", Kind.LINES,
            (
                Query(quantile(0.95, "voicemesh_turn_detection_seconds", _ITS), "his turn is over"),
                Query(quantile(0.95, "voicemesh_transcription_seconds", _ITS), "transcript"),
                Query(quantile(0.95, "voicemesh_model_seconds", f'{_ITS},brain="model"'), "model's first token"),
                Query(quantile(0.95, "voicemesh_model_seconds", f'{_ITS},brain="playbook"'), "playbook"),
                Query(quantile(0.95, "voicemesh_voice_seconds", _ITS), "first sound"),
            ),
            unit=Unit.SECONDS, width=12,
            help="The one that rose is the one to look at. All of them at once: no free core.",
        ),
        Panel(
            "Tools, p95", Kind.LINES,
            (Query(quantile(0.95, "voicemesh_tool_seconds", _ITS, "tool"), "{{tool}}"),),
            unit=Unit.SECONDS, has_exemplars=True, empty="no tool was used",
            help="Below 0.3 s is normal; after 5 s (VOICEMESH_TOOL_TIMEOUT_SECONDS) the agent goes on without.",
        ),
        Panel(
            "Tools that failed, in five minutes", Kind.STACK,
            (Query(f'sum by (tool, outcome) (mesh:tools:increase5m{{{_ITS},outcome=~"error|timeout"}}) > 0', "{{tool}}: {{outcome}}"),),
            empty="none failed", help="Runbook voice-mesh-tool-errors.",
        ),
        Panel(
            "Providers that failed, in five minutes", Kind.STACK,
            (Query(f"sum by (kind) (increase(voicemesh_fallbacks_total{{{_ITS}}}[5m])) > 0", "{{kind}}"),),
            empty="no provider failed",
        ),
    ),
)  # fmt: skip

CALLERS = Row(
    "Its callers",
    (
        Panel(
            "Mood, mean", Kind.LINES,
            (Query(
                f"sum(rate(voicemesh_sentiment_sum{{{_ITS}}}[$__rate_interval])) / (sum(rate(voicemesh_sentiment_count{{{_ITS}}}[$__rate_interval])) > 0)", "mood"
            ),),
            unit=Unit.SHARE, most=1, help="0 worst, 0.5 neutral, 1 best.",
        ),
        Panel(
            "Where the mood was going, in five minutes", Kind.STACK,
            (Query(f"sum by (trend) (mesh:sentiment_trends:increase5m{{{_ITS}}})", "{{trend}}"),),
        ),
        Panel(
            "How sure speech to text was, median", Kind.LINES,
            (Query(quantile(0.5, "voicemesh_recognition_confidence", _ITS), "median"), Query(quantile(0.1, "voicemesh_recognition_confidence", _ITS), "lowest tenth")),
            unit=Unit.SHARE, most=1, help="A median above 0.8 is normal; a low hearing leads to a question.",
        ),
        Panel(
            "Spoken over, in five minutes", Kind.STACK,
            (Query(f"sum by (kind) (increase(voicemesh_interruptions_total{{{_ITS}}}[5m]))", "{{kind}}"),),
            help="Many interrupted answers: they are too long, or come too late.",
        ),
        Panel(
            "Agents that were lost, in five minutes", Kind.STACK,
            (Query(f"sum by (outcome) (mesh:recoveries:increase5m{{{_ITS}}}) > 0", "{{outcome}}"),),
            empty="no agent was lost", help="Runbook voice-mesh-recoveries.",
        ),
        Panel(
            "Jobs from LiveKit, in five minutes", Kind.STACK,
            (Query(f"sum by (answer) (increase(voicemesh_job_requests_total{{{_ITS}}}[5m]))", "{{answer}}"),),
            help="full and draining are near 0 when there is room.",
        ),
    ),
)  # fmt: skip

SERVICE = Dashboard(
    "a-service",
    "voice mesh: a service",
    "One service: its places, its answers and where their time goes, its tools, its callers.",
    (PLACES, ANSWERS, CALLERS),
    (NAMESPACE, Variable("service", "service", values=SERVICES, default="billing")),
)
