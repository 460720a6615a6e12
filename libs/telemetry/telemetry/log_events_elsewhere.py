"""Log lines of the protocol (in workers and gateways), the back offices, the ledger, the gateway, and scale-down."""

from __future__ import annotations

from telemetry.log_event import Event, debug, error, info, told_by, warning

_REPORT = "A fault of ours: report it with its traceback"
_LIVEKIT = "LiveKit is slow or away: look at it"

_PROTOCOL = (
    *told_by(
        "handoff.taker",
        info("offer accepted", "A place is kept for the call"),
        info(
            "offer declined: %s (%s)",
            "The refusal's word: at_capacity, draining, wrong_service, stale, hop_limit, invalid",
        ),
        info("withdrawn by the giver: now %s", "The giver gave it up: the place is free again (handoff_id alone)"),
    ),
    *told_by(
        "handoff.breaker",
        warning(
            "the breaker of %s is %s",
            "open: its offers failed, and nobody offers it calls; half_open: one call tries it; closed: it is well",
            "open: runbook voice-mesh-breaker-open",
        ),
        info("the breaker of %s was not written: the store is away", "One result less in its record"),
    ),
    *told_by(
        "handoff.canary",
        warning(
            "the canary of %s is stopped: %s (version %s, %d spoken, %d failed); it gets nothing until it is reset",
            "Too many of its last handoffs failed, or agents died there; its calls stay where they are",
            "Runbook voice-mesh-canary-stopped",
        ),
    ),
    *told_by(
        "handoff.resolver",
        warning(
            "the name %s is not resolved: %s",
            "DNS does not know a peer of VOICEMESH_PEERS, or is late: its last addresses are used",
            "DNS; does the Service of that name exist?",
        ),
    ),
    *told_by(
        "handoff.tls",
        info("new certificates are in use", "They were renewed on disk and taken up without a restart"),
        warning(
            "the certificates are not taken up: %s",
            "The new files are no pair, or cannot be read: the old ones stay in use until they end",
            "Mend the files before that: runbook voice-mesh-certificate-expires",
        ),
    ),
)

_BACK_OFFICES = (
    *told_by(
        "backoffice.office",
        error(
            "the database failed: %s",
            "The tool told the agent that the records are away",
            "The database of DATABASE_URL: up, reachable, room on its disk? Runbook voice-mesh-tool-errors",
        ),
        error(
            "a tool failed: %s at line %d of %s",
            "The tool told the agent that the records are away; its text is left out, for it may quote a caller",
            "A fault of ours: report the line",
        ),
    ),
    *told_by(
        "backoffice.capability",
        warning(
            "VOICEMESH_CAPABILITY_KEY is not set: what is verified here is good at this process only",
            "A caller who was verified by one back office is asked again by the next one, and after a restart",
            "Set it, the same for all back offices",
        ),
    ),
)

_LEDGER = (
    *told_by("ledger.run", info("the ledger is open", "It has its database and Redis, and reads")),
    *told_by(
        "ledger.database",
        warning(
            "the database has the schema of a newer release",
            "An older ledger runs on it, as it may during a rollback",
            "Nothing, for as long as you stay with that release",
        ),
    ),
    *told_by(
        "ledger.duties",
        error(
            "the duty %r waits: %s",
            "Redis or the database failed, or a line is of a newer release; told once, tried again; lines wait in Redis meanwhile",
            "Runbook voice-mesh-ledger-gap",
        ),
        info("the duty %r goes on", "The above is over"),
    ),
    *told_by(
        "ledger.lines",
        warning(
            "a call that was %s was ended again",
            "Redis had lost a call that had ended, and somebody ended it once more: the first ending counts",
            "Did Redis fail over or lose data? docs/operations/redis.md",
        ),
        warning(
            "a handoff's record cannot be read",
            "Another release wrote it: its times are missing in the ledger, the ending is not (handoff_id alone)",
            "Nothing during a rollout",
        ),
    ),
    *told_by(
        "ledger.retention",
        info("deleted, for their time was over: %s", "How many rows of which kind: VOICEMESH_LEDGER_RETENTION_DAYS"),
        warning(
            "%d of them were callbacks that nobody has made",
            "Callers were promised a call, and their number is deleted now",
            "Too late for these; runbook voice-mesh-callbacks-overdue before the next ones",
        ),
    ),
    *told_by(
        "ledger.watch",
        error(
            "a call has no ending: %s",
            "lease_passed: nobody owns it and nobody rescued it; vanished: Redis lost it; overlong: it runs for longer than any call may",
            "Somebody may listen to silence: runbook voice-mesh-silent-drop",
        ),
    ),
)

_GATEWAY = (
    *told_by(
        "gateway.app",
        info("a call was let in", "A page has a token for this call"),
        warning(
            "a call was refused: %d",
            "By HTTP status: 403 a page that is not ours, 429 too often from one address, 5xx Redis or a fault (no call id, no address)",
            "403: the next line back says why (gateway.forwarded); 5xx: Redis and LiveKit",
        ),
    ),
    *told_by(
        "gateway.forwarded",
        warning(
            "a page was refused: %s (docs/web.md)",
            "The page's origin is not ours; the line says which header or setting is missing if it is",
            "docs/web.md, behind a proxy: VOICEMESH_PROXIES, VOICEMESH_ORIGINS",
        ),
    ),
    *told_by(
        "gateway.closed_pages",
        info("a page was closed, and did not come back", "Its caller is put out, so that his call ends"),
        info("a closed page's caller cannot be put out: %s", "LiveKit did not answer; it notices by itself, later"),
    ),
    *told_by(
        "gateway.webhooks",
        info("LiveKit told: %s", "A caller came (lonely) or a room closed (over): looked at some seconds later"),
        warning(
            "a webhook was refused: %s",
            "Not signed with our key, stale, or no webhook at all",
            "Only LiveKit calls /webhooks/livekit: is its webhook.api_key ours? Else somebody probes",
        ),
    ),
    *told_by(
        "gateway.finished_rooms",
        warning(
            "a call whose room was closed had no ending",
            "No worker lived that could have ended it: ended as caller_hung_up",
            "Where were the workers? Alert VoiceMeshNoWorker",
        ),
        info("finished rooms cannot be looked at: %s", "Redis or LiveKit did not answer; tried again"),
        error("a look at finished rooms failed", "Tried again", _REPORT),
    ),
    *told_by(
        "gateway.console",
        info("a %s signed in to the console", "viewer, or reader: who may read words"),
        info("a call's words were read", "By somebody who may; kept for those who ask who did"),
        warning(
            "a wrong secret was shown to the console",
            "Ten in a minute from one address are shut out",
            "Many: somebody guesses; is the console open to the world?",
        ),
    ),
    *told_by(
        "gateway.watching",
        error("a look at the calls failed", "The console shows what it showed before; tried again", _REPORT),
    ),
    *told_by(
        "gateway.desk",
        info("a human takes a call", "He is on his way into the room"),
        info("a human ended a call", "transferred_to_human"),
        info("a human handed a call back to %s", "The service's agent speaks"),
        info("a human calls back", "He has claimed a callback"),
        info("a human has called back", "The callback is done"),
        warning(
            "a wrong secret was shown to the desk",
            "Five in a minute from one address are shut out",
            "Many: somebody guesses; is the desk open to the world?",
        ),
        warning(
            "no agent could be called in: %s",
            "A human wanted to hand a call back: he still has it, and his page says so",
            _LIVEKIT,
        ),
        warning(
            "the room of a call that has ended stays open: %s",
            "LiveKit did not close it; a worker's next round does",
            _LIVEKIT,
        ),
        warning(
            "a human could not be put out: %s",
            "His page has shut his microphone; a successor puts him out before it speaks",
            _LIVEKIT,
        ),
    ),
)

_SCALE_DOWN = (
    *told_by("scale_down.run", info("deletion costs of namespace %s are kept", "It has begun")),
    *told_by(
        "scale_down.rounds",
        debug("pod %s: %s -> %s", "A cost was written"),
        warning(
            "{words}",
            "A trouble, told when it begins (for single pods that are silent or gone, at INFO): the API server refuses or fails, no pod answers,"
            " or somebody else writes costs. A scale-down may meanwhile take a pod with calls: they move",
            "The line says what it is and who can mend it; libs/scale_down/README.md",
        ),
        info("over: %s", "That trouble is over"),
        error("a round failed", "The next comes in a moment", _REPORT),
    ),
)

ELSEWHERE: tuple[Event, ...] = (*_PROTOCOL, *_BACK_OFFICES, *_LEDGER, *_GATEWAY, *_SCALE_DOWN)
