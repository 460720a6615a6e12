"""The report of a call: from its recording and its record to one dictionary, the content of report.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handoff.agent_ids import awaited_taker, came_as
from handoff.call import Call
from handoff.context import SECRET
from handoff.lifecycle import State
from handoff.store import Handoff

from local.caller.captions import CALLER
from local.caller.ear import Change, Reference, Speech, changes, speech_of
from local.caller.recording import Caption, Recording, service_of
from local.report.responses import quickness

UNFINISHED = "unfinished"
"""Outcome of a call whose record has no ending."""
_WORD_GAP_MS = 120
"""Longer holes may lie between two captions; the gaps between words are shorter."""
_NEAR_MS = 400
"""A caption may come this much before or after the voice that it belongs to."""


def build_report(
    recording: Recording,
    call: Call | None,
    handoffs: Sequence[Handoff],
    *,
    versions: Mapping[str, str],
    reference: Reference | None = None,
) -> dict[str, Any]:
    """Gap, overlap and clipping come from the recorded audio; services, facts, effects and steps from the call's record.

    ``reference`` is the agents' voice saying a sentence; without it ``clipped_ms`` is None. ``call`` is None when there is no
    record of it.
    """
    at_ear = changes(recording.agents, first_words=first_words(recording.captions), reference=reference)
    return {
        "outcome": call.ending.value if call is not None and call.ending is not None else UNFINISHED,
        "services": list(call.services) if call is not None else [],
        "turns": [
            {"speaker": t.speaker, "text": t.text, "start_ms": t.start_ms, "end_ms": t.end_ms}
            for t in turns_of(recording)
        ],
        "handoffs": [_handoff(handoff, at_ear) for handoff in handoffs],
        **quickness(recording),
        "said_again": [spoken.text or spoken.played for spoken in recording.spoken if spoken.is_again],
        "facts": _facts(call),
        "effects": list(call.effects) if call is not None else [],
        "versions": dict(versions),
    }


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """One turn as it was heard, on the recording's time line."""

    speaker: str
    text: str
    start_ms: int
    end_ms: int


def turns_of(recording: Recording) -> list[TurnHeard]:
    """Who said what and when: agents' words from their captions, their times from the audio; the caller's from the script."""
    by_agent = {
        identity: speech_of(identity, track, closed_hole_ms=_WORD_GAP_MS)
        for identity, track in recording.agents.items()
    }
    turns = [*_caller_turns(recording)]
    for identity, speeches in by_agent.items():
        captions = [c for c in recording.captions if c.identity == identity and c.speaker != CALLER]
        turns.extend(_timed(captions, speeches))
    unheard = [c for c in recording.captions if c.speaker != CALLER and c.identity not in by_agent]
    turns.extend(TurnHeard(c.speaker, c.text, c.start_ms, c.end_ms) for c in unheard)
    return sorted(turns, key=lambda t: (t.start_ms, t.end_ms))


def _caller_turns(recording: Recording) -> Iterable[TurnHeard]:
    understood = [c for c in recording.captions if c.speaker == CALLER]
    for spoken in recording.spoken:
        text = spoken.text
        if not text:
            # A played recording has no words of its own, nor have keys: take what the mesh made of it.
            near = (c.text for c in understood if spoken.start_ms <= c.start_ms <= spoken.end_ms + 4_000)
            text = next(near, f"({spoken.played})")
        yield TurnHeard(CALLER, text, spoken.start_ms, spoken.end_ms)


def _timed(captions: Sequence[Caption], speeches: Sequence[Speech]) -> Iterable[TurnHeard]:
    """Each stretch of an agent's voice goes to the caption that it lies nearest to."""
    mine: dict[int, list[Speech]] = {}
    for speech in speeches:
        distances = [_distance(caption, speech) for caption in captions]
        if distances and min(distances) <= _NEAR_MS:
            mine.setdefault(distances.index(min(distances)), []).append(speech)
    for index, caption in enumerate(captions):
        voiced = mine.get(index)
        start = voiced[0].start_ms if voiced else caption.start_ms
        end = voiced[-1].end_ms if voiced else caption.end_ms
        yield TurnHeard(caption.speaker, caption.text, start, end)


def _distance(caption: Caption, speech: Speech) -> int:
    """Milliseconds between them; the more negative, the more they overlap."""
    return max(caption.start_ms - speech.end_ms, speech.start_ms - caption.end_ms)


def first_words(captions: Sequence[Caption]) -> dict[str, str]:
    """By agent, what it said first. A caption that an interruption cut short still begins with the same words."""
    words: dict[str, str] = {}
    for caption in captions:
        if caption.speaker != CALLER:
            words.setdefault(caption.identity, caption.text)
    return words


def _handoff(handoff: Handoff, at_ear: Sequence[Change]) -> dict[str, Any]:
    change = _change_of(handoff, at_ear)
    is_move = handoff.from_service == handoff.to_service
    return {
        "from_service": handoff.from_service,
        "to_service": handoff.to_service,
        # Between two workers of one service the floor is passed in a pause of the conversation: what was silent is that.
        "gap_ms": change.gap_ms if change is not None and not is_move else None,
        "overlap_ms": change.overlap_ms if change is not None else None,
        "clipped_ms": change.clipped_ms if change is not None else None,
        "steps": steps_of(handoff),
    }


def _change_of(handoff: Handoff, at_ear: Sequence[Change]) -> Change | None:
    """The change of voice that this handoff made; None when the taker was never heard."""
    taken = [c for c in at_ear if service_of(c.giver) == handoff.from_service]
    if handoff.taker_id:
        return next((c for c in taken if c.taker == handoff.taker_id), None)
    awaited_id = awaited_taker(handoff.to_service, handoff.context.handoff_id)
    return next((c for c in taken if came_as(c.taker, awaited_id)), None)


def steps_of(handoff: Handoff) -> dict[str, float]:
    """When the handoff came into each state, in milliseconds since it was offered."""
    offered = handoff.moved_at.get(State.OFFERED, handoff.context.created_at)
    moved = sorted(handoff.moved_at.items(), key=lambda item: item[1])
    return {state.value: round((at - offered) * 1000, 1) for state, at in moved}


def _facts(call: Call | None) -> dict[str, str]:
    if call is None:
        return {}
    names = dict.fromkeys(f.name for f in call.facts if f.name not in SECRET)
    return {name: fact.value for name in names if (fact := call.fact(name)) is not None}
