"""What the ledger, the gateway and scale-down show."""

from __future__ import annotations

from telemetry.metric import Kind, Metric

LEDGER = (
    Metric(
        "voicemesh_endings_total",
        Kind.COUNTER,
        "Calls whose ending was written",
        {"ending": ("resolved", "transferred_to_human", "callback_booked", "caller_hung_up", "failed")},
        normal="failed 0",
        do="failed: the caller heard an apology and the call was over: look at its trace",
    ),
    Metric(
        "voicemesh_ledger_lag_seconds",
        Kind.GAUGE,
        "Since the ledger last did this",
        {"duty": ()},
        normal="below 10",
        do="runbook voice-mesh-ledger-gap",
    ),
    Metric(
        "voicemesh_calls_without_ending",
        Kind.GAUGE,
        "Calls that should have ended and did not: somebody may be listening to silence",
        {"reason": ()},
        normal="0",
        do="runbook voice-mesh-silent-drop",
    ),
    Metric(
        "voicemesh_callbacks",
        Kind.GAUGE,
        "Callbacks that were promised, by state",
        {"state": ()},
        normal="open ones below what your people call back in a day",
    ),
    Metric(
        "voicemesh_callbacks_overdue",
        Kind.GAUGE,
        "Callbacks that were due long ago and that nobody has made: a caller waits for our call",
        {"service": ()},
        normal="0",
        do="runbook voice-mesh-callbacks-overdue",
    ),
)

GATEWAY = (
    Metric(
        "voicemesh_gateway_tokens_total",
        Kind.COUNTER,
        "Web callers who asked to be let in",
        {"outcome": ("given", "refused", "limited", "failed")},
        normal="limited and failed near 0",
        do="failed: LiveKit or Redis is away; limited: one address asks too often",
        is_rare=True,
    ),
)

SCALE_DOWN = (
    Metric("voicemesh_scale_down_pods", Kind.GAUGE, "Worker pods that run", normal="as many as run"),
    Metric(
        "voicemesh_scale_down_pods_unanswered",
        Kind.GAUGE,
        "Worker pods that did not say how many calls they hold: their cost stays as it was",
        normal="0",
        do="A NetworkPolicy, or a pod that hangs: libs/scale_down/README.md",
    ),
    Metric(
        "voicemesh_scale_down_patches_total",
        Kind.COUNTER,
        "Costs that were written",
        normal="rises as calls come and go",
    ),
    Metric(
        "voicemesh_scale_down_failures_total",
        Kind.COUNTER,
        "What the API server did not do for us, by reason",
        {"reason": ()},
        normal="0",
        do="forbidden: the Role is missing; libs/scale_down/README.md",
    ),
    Metric(
        "voicemesh_scale_down_lag_seconds",
        Kind.GAUGE,
        "Since the last good round",
        normal="below 15",
        do="A scale-down may take a pod with calls; they move, and nobody is dropped",
    ),
)
