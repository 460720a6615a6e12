"""Log lines of a job: one agent, or one switchboard, in one call. Each has the call's id, but where it says otherwise."""

from __future__ import annotations

from telemetry.log_event import Event, error, info, told_by, warning

_STORE = "Redis is slow or away: runbook voice-mesh-store-away. One such line, and none after it: nothing"
_LIVEKIT = "LiveKit is slow, away or restarts: look at it. One such line: nothing"
_REPORT = "A fault of ours: report it with its traceback"
_NOTHING = "Nothing"

_ITS_WAY_IN_AND_OUT = (
    *told_by(
        "voicemesh.answer",
        error(
            "the call could not be answered",
            "The agent's job failed; an agent that held the floor apologises and ends the call as failed, any other leaves to whoever has it",
            _REPORT,
        ),
    ),
    *told_by(
        "voicemesh.greeting",
        info("the caller is back in a call that has ended", "He reloaded his page too late; the room is closed"),
        info(
            "another agent has the call, or is on its way to it",
            "A second dispatch, or a guardian was faster: this job leaves",
        ),
    ),
    *told_by(
        "voicemesh.taking",
        info(
            "the handoff is no longer wanted",
            "The giver gave it up, or took the call back, before this taker came (handoff_id alone)",
        ),
        info(
            "epoch %d: the call was moved here", "From a draining worker of the same service; the caller heard nothing"
        ),
        warning(
            "a sealed handoff is refused: %s",
            "Without Redis the context comes sealed in the dispatch: this one is stale, for somebody else, or under another key",
            "The same VOICEMESH_SEAL_KEY for all workers? Do their clocks agree to within a minute?",
        ),
        warning(
            "not noted as spoken: %s",
            "The caller hears this agent, and Redis could not be told; the next renewal tells who has the floor",
            _STORE,
        ),
    ),
    *told_by(
        "voicemesh.first_word",
        error(
            "the first word did not play",
            "The agent has the floor and not one frame of it played; it gives the call up and a successor comes",
            "Several: is the voice (VOICEMESH_SPEECH_URL) slow, is media to LiveKit shut (UDP)? CPU of the pod",
        ),
    ),
    *told_by(
        "voicemesh.resuming",
        info("epoch %d: heard again", "The successor apologises; the caller is not alone any more"),
        info("epoch %d is not ours", "Another successor was faster, or the call has ended: this one leaves"),
        warning(
            "an overtaken agent could not be put out",
            "LiveKit did not remove the agent that had lost the call, so its successor leaves: no two voices",
            _LIVEKIT,
        ),
    ),
    *told_by(
        "voicemesh.leaving",
        error(
            "the call cannot go on: %s",
            "Ears or voice are lost for good: the caller is told, from a recording if need be, and is called back when that can be noted",
            "Look at the speech server of VOICEMESH_SPEECH_URL and at voicemesh.ears and voicemesh.voice just before",
        ),
        warning(
            "another agent holds the floor",
            "This agent fell silent at once and leaves; counted in voicemesh_floor_conflicts_total",
            "Runbook voice-mesh-floor-conflict",
        ),
        warning("the caller could not be told: %s", "The line was closed without the recorded apology", _LIVEKIT),
        warning(
            "the caller has hung up and the session does not close",
            "LiveKit's session hangs; its call is ended without it",
            "Many: report it; the ending is right all the same",
        ),
    ),
    *told_by(
        "voicemesh.worst_case",
        warning(
            "the call cannot go on: %s",
            "How that call was ended: callback_booked, or failed when no callback could be noted",
            "callback_booked: call back (`make ledger CALLBACKS=1`); failed: the caller heard an apology and is gone",
        ),
    ),
    *told_by(
        "voicemesh.cut_off",
        warning(
            "cut off from LiveKit",
            "Signalling is lost and no media came for 3.5 s: the agent falls silent and gives the call to a successor",
            _LIVEKIT,
        ),
        info(
            "no numbers of the connection: %s",
            "LiveKit's client could not say whether media still comes; taken for cut off",
        ),
    ),
    *told_by(
        "voicemesh.media_liveness",
        warning(
            "nothing comes from LiveKit any more",
            "For 4 s not a byte of media; the lease is not renewed meanwhile, so that a successor may come",
            _LIVEKIT,
        ),
        warning("something comes from LiveKit again", "The above is over", _NOTHING),
    ),
)

_CONVERSATION = (
    *told_by(
        "voicemesh.answer_times",
        info(
            "answered",
            "Where the time of an answer went: `answer_ms` has heard, over, noted, spoken, voice, in ms after the caller's last sound",
        ),
    ),
    *told_by(
        "voicemesh.tools",
        info("the back office is there", "It was away when the agent came, and its tools are there now"),
        error(
            "the back office is away: %s",
            "The agent could not connect to its back office: it goes on without tools, says so when it needs one, and tries again every 2 s",
            "Is the service's *_mcp up, and VOICEMESH_MCP_URL right? Runbook voice-mesh-tool-errors",
        ),
        warning(
            "the back office did not answer %s in time",
            "That tool took longer than VOICEMESH_TOOL_TIMEOUT_SECONDS; the agent says so, what was asked may have been done",
            "Its database is slow or locked: runbook voice-mesh-tool-errors",
        ),
        warning(
            "the back office failed at %s: %s",
            "The connection broke while that tool was asked; the next use connects anew",
            "Did its pod restart? Runbook voice-mesh-tool-errors",
        ),
    ),
    *told_by(
        "voicemesh.pressing",
        info("a keypad entry was dropped: %s", "Too long, or nobody had asked for it; the caller is told"),
        error("a key could not be taken", "One key was lost; the call goes on", _REPORT),
        error("what was typed could not be taken", "A whole entry was lost; the call goes on", _REPORT),
    ),
    *told_by(
        "worker.understanding.classifier",
        warning(
            "%s",
            "The embedding model of the classifier is not there: intents come from keywords alone",
            "The image is not whole: run `make setup`, or build it again",
        ),
    ),
    *told_by(
        "worker.understanding.intent",
        error(
            "%s",
            "The classifier's files do not fit each other: intents come from keywords alone; told once in each process",
            "The image is not whole: run `make setup`, or build it again",
        ),
    ),
    *told_by(
        "voicemesh.ears",
        error(
            "nobody can transcribe any more",
            "Two utterances in a row got no words, from any provider: the call is ended as voicemesh.leaving tells (no call id here: the next line has it)",
            "Speech to text is away or overloaded: look at it, and at voicemesh.standby",
        ),
    ),
    *told_by(
        "voicemesh.voice",
        error(
            "nobody can speak any more",
            "No provider made a sound: the call is ended as voicemesh.leaving tells (no call id here: the next line has it)",
            "Text to speech is away or overloaded: look at it, and at voicemesh.standby",
        ),
    ),
    *told_by(
        "voicemesh.standby",
        warning(
            "the %s failed: %s%s",
            "A speech provider refused or was late; the other one, or one more try, takes its place (voicemesh_fallbacks_total)",
            "Rising: look at that provider, and at its HTTP status",
        ),
        info("the %s is back", "It rested, was tried, and answers again"),
    ),
    *told_by(
        "voicemesh.clips",
        info(
            "the sentences for the worst case are not rendered yet: %s",
            "The voice was away when a process got ready; tried again by the next",
        ),
        warning(
            "a sentence could not be kept: %s",
            "VOICEMESH_CLIPS_DIR cannot be written: what is said when the voice is lost may then be three tones",
            "Room and rights in that folder",
        ),
    ),
)

_KEEPING_THE_CALL = (
    *told_by(
        "voicemesh.checkpoint",
        info("the call %s", "It has ended, or goes on with another agent: found when its ending was to be written"),
        warning(
            "the lease could not be renewed: %s",
            "Redis did not answer, or has lost the call; tried again three times in a lease",
            _STORE,
        ),
        error("the lease could not be renewed", "Something unforeseen; tried again", _REPORT),
        warning(
            "the checkpoint is not stored yet: %s", "What was said last is kept in the process and tried again", _STORE
        ),
        error(
            "the checkpoint cannot be stored: %s",
            "The record would be too large or malformed: it keeps its last good state, which a successor would go on from",
            "Report it with its text",
        ),
        error("the checkpoint is not stored", "Something unforeseen; tried again", _REPORT),
        warning("the ending of the call is not stored yet: %s", "Tried again for 30 s", _STORE),
        error(
            "the ending of the call is not stored: %s",
            "The store refused it: the call is unknown there, or the ending does not fit",
            "Does the ledger miss it? Runbook voice-mesh-ledger-gap",
        ),
        error(
            "the ending of the call could not be stored",
            "30 s were not enough: a guardian ends the call when Redis is back, perhaps as caller_hung_up",
            "Runbook voice-mesh-store-away; expect such endings to be told wrongly",
        ),
    ),
    *told_by(
        "voicemesh.store",
        warning(
            "the store is away, the call goes on: %s",
            "Redis does not answer this job: it keeps its call by itself, handoffs go by word",
            "Runbook voice-mesh-store-away",
        ),
        info("the store answers again", "The above is over"),
        info("the store learns of a floor that was passed without it", "A handoff by word is now in Redis as well"),
        info(
            "the store had lost the call: it is back",
            "Redis came back empty or older: the call's owner has written it again",
        ),
    ),
)

_HANDOFFS = (
    *told_by(
        "voicemesh.transfer",
        info(
            "handoff to %s did not happen: %s",
            "Why the call stayed, by the word that voicemesh_handoffs_total counts: voicemesh.ladder goes on from there",
        ),
    ),
    *told_by(
        "voicemesh.ladder",
        info(
            "%s is not asked: %s", "Its breaker is open, or it is full, draining or unreachable: the next rung is tried"
        ),
    ),
    *told_by(
        "voicemesh.canary",
        info(
            "the canary of %s is passed over: %s",
            "Its share of handoffs had this call, and it did not take it: the other workers are asked",
        ),
        info(
            "a canary's handoff was not counted: %s", "Redis was away or slow: one handoff less in the canary's record"
        ),
        info("canary of %s, version %s: %d %% of its handoffs", "A canary's worker has begun (no call)"),
        info("a lost agent was not counted: %s", "Redis was away: one failure less in the canary's record (no call)"),
        error(
            "a canary's heartbeat failed", "A canary that stops beating gets no calls; tried again (no call)", _REPORT
        ),
    ),
    *told_by(
        "voicemesh.passing",
        warning(
            "floor not taken back: %s",
            "The taker spoke in the very moment in which it was given up: the call is the taker's (no call id)",
            _NOTHING,
        ),
        error(
            "an agent could not be removed: %s",
            "LiveKit did not put out an agent that has lost its call; its voice gate is shut by its lease, not by LiveKit",
            "Look at LiveKit; did the caller hear two voices?",
        ),
    ),
    *told_by(
        "voicemesh.moving",
        info("the call is moved", "A draining worker's call goes on in another one of the service"),
        info(
            "the call is not moved: %s",
            "Nobody else had room, or the move failed: it is tried again every 2 s while the worker drains",
        ),
    ),
    *told_by(
        "voicemesh.by_word",
        warning(
            "no handoff by word: %s",
            "Redis is away, and the context cannot be sealed (no VOICEMESH_SEAL_KEY, or too large): the call stays with its giver",
            "Set VOICEMESH_SEAL_KEY, the same for all workers",
        ),
    ),
)

_HUMANS = (
    *told_by(
        "voicemesh.person",
        info("no human took the call: %s", "Why; the ladder offers a callback"),
        info("a human was lost: %s", "He had taken it and did not come or was not heard: somebody else is asked"),
        warning(
            "nobody can be asked: %s",
            "The store did not answer while the caller is on hold for a human; tried again",
            _STORE,
        ),
        info(
            "telephone %d of %d: %s", "What came of calling that number: busy, no_answer, declined, no_trunk, sip_away"
        ),
    ),
    *told_by(
        "voicemesh.switchboard",
        info("nobody waits for this human", "The caller has gone, or another human was faster"),
        info("a human was not reached: %s", "Busy, no answer, declined: the next number is tried"),
        info(
            "a human was called in vain: %s", "The caller left, or was taken, while the human listened to his briefing"
        ),
        info("a human has the call", "The floor is his"),
        info(
            "a human's call is over: %s",
            "How: ended by telephone, the caller hung up, cut off, floor lost, handed back",
        ),
        warning("not noted as spoken: %s", "The human is heard, and Redis could not be told", _STORE),
        warning(
            "telephone %d is asked for, and there is none here",
            "VOICEMESH_DESK_PHONES differs between workers (no call id)",
            "During a rollout: nothing. Else give all workers of escalation the same",
        ),
        warning(
            "a human's line stays open: %s",
            "LiveKit did not close the consultation: his telephone may not be hung up (no call id)",
            "The next round of a worker closes it; look at LiveKit",
        ),
        error(
            "a human could not be called",
            "The switchboard's job failed; the caller's agent calls the next number",
            _REPORT,
        ),
    ),
    *told_by(
        "voicemesh.dialling",
        error(
            "LiveKit has no outbound trunk of the name that VOICEMESH_DESK_TRUNK gives: `make phone-config` makes one",
            "No human can be called by telephone; callers are offered a callback (no call id)",
            "Mend VOICEMESH_DESK_TRUNK or run `make phone-config` (docs/phone.md)",
        ),
    ),
    *told_by(
        "voicemesh.bridge",
        warning(
            "a caller's room cannot be entered: %s",
            "The switchboard reached its human and not the caller: the call stays with its agent",
            _LIVEKIT,
        ),
    ),
    *told_by(
        "voicemesh.handing_back",
        info("a human handed a call back", "By telephone; an agent of customer care has it"),
        info("the call is not handed back: %s", "No agent came or spoke: the human still has the caller"),
    ),
)

OF_CALLS: tuple[Event, ...] = (*_ITS_WAY_IN_AND_OUT, *_CONVERSATION, *_KEEPING_THE_CALL, *_HANDOFFS, *_HUMANS)
