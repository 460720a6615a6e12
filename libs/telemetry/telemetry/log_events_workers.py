"""Log lines of a worker's main process: taking calls, draining, watching over everybody's calls."""

from __future__ import annotations

from telemetry.log_event import Event, error, info, told_by, warning

_REPORT = "A fault of ours: report it with its traceback"
_LIVEKIT = "LiveKit is slow, away or restarts: look at it"

_MAIN_PROCESS = (
    *told_by(
        "voicemesh.run",
        info("registered with LiveKit as %s", "Calls may come now; again after each reconnection"),
        info("drained in %.1f s", "The worker stops"),
        warning(
            "drain ended with %d calls still here",
            "VOICEMESH_DRAIN_SECONDS have passed: those callers hear a successor's apology",
            "Scale out before you scale in, or give the drain more time (docs/operations/upgrade.md)",
        ),
        error(
            "the LiveKit worker ended: %s",
            "The process stops with exit code 4 and is to be started again; its calls are recovered",
            "LIVEKIT_URL, its key and secret; is LiveKit up?",
        ),
    ),
    *told_by("voicemesh.draining", info("%d calls are asked to move", "Every 2 s until none is left")),
    *told_by(
        "voicemesh.heartbeat",
        error(
            "a heartbeat failed",
            "The console and the others may believe that this worker is gone; tried again",
            _REPORT,
        ),
    ),
    *told_by(
        "voicemesh.template",
        warning(
            "%s is not warmed up in the template",
            "Something that all jobs read could not be read; the first call of each job takes longer, or fails and tells why",
            "Look at the first call's error; an image that is not whole",
        ),
    ),
)

_WATCH = (
    *told_by(
        "voicemesh.recovery",
        warning(
            "a job %s",
            "A call's process died (the exit code is negative for a signal: -9 is the kernel's, for memory), or stands still; a successor is on its way",
            "Runbook voice-mesh-recoveries; -9: the pod's memory limit",
        ),
        warning(
            "epoch %d of the call is seized for %s",
            "This worker has won the call that was lost and brings its successor",
            "Runbook voice-mesh-recoveries",
        ),
        info("epoch %d of the call: %s", "What came of it, by the word that voicemesh_recoveries_total counts"),
        error(
            "a call could not be answered",
            "Three agents died before one could greet: the call has its ending failed, and the line is closed without a word",
            "What kills them? Exit codes just before; then call back if the number is known",
        ),
        warning(
            "LiveKit does not answer: %s",
            "This worker cannot see who is in the room: it takes no lost calls for a while, others may",
            _LIVEKIT,
        ),
        error(
            "no process could be had for a call",
            "The pool of warm processes failed: another worker is asked",
            "Memory and CPU of the pod; " + _REPORT,
        ),
        warning(
            "a call was not recovered: %s",
            "The store or the other side failed in the middle: the lease passes and the next guardian tries",
            "Runbook voice-mesh-recoveries, if the same call is told of again",
        ),
        error(
            "a call was not recovered", "Something unforeseen: the lease passes and the next guardian tries", _REPORT
        ),
    ),
    *told_by(
        "voicemesh.guardian",
        warning(
            "calls without an owner cannot be looked for: %s",
            "Redis does not answer this worker; told once",
            "Runbook voice-mesh-store-away",
        ),
        info("the store answers again", "The above is over; living owners get one lease to renew first"),
        warning(
            "a rescue was not finished: %s",
            "The next guardian tries when the lease has passed",
            "Only if it is the same call again",
        ),
        error("a rescue failed", "The next guardian tries when the lease has passed", _REPORT),
        error("a look for calls without an owner failed", "The next look comes in a moment", _REPORT),
    ),
    *told_by(
        "voicemesh.rounds",
        warning(
            "a caller waits in a room that nobody knows",
            "His dispatch was lost (no worker was registered then): he is answered now, late",
            "Were all workers of his service away? Alert VoiceMeshNoWorker",
        ),
        warning(
            "the room of a call that has ended is closed",
            "LiveKit was away when it ended, and a caller was still in it",
            "Nothing",
        ),
        warning(
            "the line of a human whose switchboard is gone is closed",
            "He would have listened to nothing; his caller is customer care's again",
            "Nothing; the job's exit code is in voicemesh.recovery",
        ),
        info("a round was not finished: %s", "Redis or LiveKit did not answer; the next comes in 10 s"),
        error("a round failed", "The next comes in 10 s", _REPORT),
    ),
)

_TELEMETRY = (
    *told_by(
        "voicemesh.metrics",
        warning(
            "an observation of %s does not fit the catalog",
            "It was left out: a name, label or number that the catalog does not have",
            "Two releases in one pod? Else report it",
        ),
        warning(
            "a line that is no observation was left out",
            "Something else wrote to the worker's own socket",
            "What else runs in this pod?",
        ),
    ),
    *told_by(
        "voicemesh.tracing",
        warning(
            "the collector of OTEL_EXPORTER_OTLP_ENDPOINT takes no spans: they are dropped until it does",
            "Told once; calls do not notice",
            "Is the collector up, the address right, a NetworkPolicy in the way?",
        ),
        info("the collector takes spans again", "The above is over"),
    ),
)

OF_WORKERS: tuple[Event, ...] = (*_MAIN_PROCESS, *_WATCH, *_TELEMETRY)
