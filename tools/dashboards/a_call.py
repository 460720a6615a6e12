"""One call, by its id. Metrics know no call; its trace does, and exemplars lead from a number to one."""

from __future__ import annotations

from tools.dashboards.panel import NAMESPACE, NS, Dashboard, Kind, Panel, Query, Row, Unit, Variable, quantile

_HOW = """**Type the call's id at the top** (it is the room's name, `call-...`; the console, the ledger and every log line have it).

- **Its trace** is on the right. The dots in the charts below are calls, too: click one, *Query with Jaeger*.
- **Without Grafana:** its trace's id is in each of its log lines (`trace_id`); in Jaeger `/trace/ID`.
- **How it ended:** `kubectl exec deploy/ledger -- python -m ledger show --call ID`
- **What processes said:** `kubectl logs -l app.kubernetes.io/part-of=voice-mesh --prefix --tail=-1 | grep ID`
- **While it goes on:** the console, `/console`.

No metric has a call in a label, and nothing here has what was said."""

FIND = Row(
    "The call",
    (
        Panel("How to find out what happened in it", Kind.TEXT, width=8, height=9, text=_HOW),
        Panel(
            "Traces of the call", Kind.TRACES, width=16, height=9,
            help="A row is the call's trace: open it for every agent, turn, tool and handoff with its time.",
        ),
    ),
)  # fmt: skip

AROUND = Row(
    "What went on around it: set the time to the call's",
    (
        Panel(
            "From a caller's last sound to the agent's first", Kind.LINES,
            (
                Query(quantile(0.5, "voicemesh_response_seconds", NS), "p50"),
                Query(quantile(0.95, "voicemesh_response_seconds", NS), "p95"),
            ),
            unit=Unit.SECONDS, width=12, line=3, has_exemplars=True,
        ),
        Panel(
            "Silence in a handoff", Kind.LINES,
            (
                Query(quantile(0.5, "voicemesh_handoff_gap_seconds", NS), "p50"),
                Query(quantile(0.95, "voicemesh_handoff_gap_seconds", NS), "p95"),
            ),
            unit=Unit.SECONDS, width=12, line=1, has_exemplars=True,
        ),
        Panel(
            "Tools, p95", Kind.LINES,
            (Query(quantile(0.95, "voicemesh_tool_seconds", NS, "service, tool"), "{{service}}: {{tool}}"),),
            unit=Unit.SECONDS, has_exemplars=True, empty="no tool was used",
        ),
        Panel(
            "What harmed calls, in five minutes", Kind.STACK,
            (
                Query(f"sum by (service, outcome) (mesh:recoveries:increase5m{{{NS}}}) > 0", "{{service}} lost an agent: {{outcome}}"),
                Query(f"sum by (service) (mesh:floor_conflicts:increase5m{{{NS}}}) > 0", "{{service}}: floor conflict"),
                Query(f'sum by (to, outcome) (mesh:handoffs:increase5m{{{NS},outcome=~"lost|silent|error|not_ready|unreachable"}}) > 0', "to {{to}}: {{outcome}}"),
                Query(f"sum by (service, kind) (increase(voicemesh_fallbacks_total{{{NS}}}[5m])) > 0", "{{service}}: {{kind}} failed"),
            ),
            width=16, empty="nothing did",
        ),
    ),
)  # fmt: skip

CALL = Dashboard(
    "a-call",
    "voice mesh: a call",
    "One call by its id: its trace, the commands that tell its story, and what went on around it.",
    (FIND, AROUND),
    (NAMESPACE, Variable("call", "call id", default="call-")),
)
