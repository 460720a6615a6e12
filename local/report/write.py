"""After the call: everything that is left of it in one folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
from handoff.call import Call
from handoff.store import Handoff

from local.caller.band import FRAME, Samples
from local.caller.clipping import SURE, likeness
from local.caller.ear import speech_of
from local.caller.recording import Recording, save_audio
from local.caller.script import Script
from local.caller.voice import SpeechUnavailable, speak
from local.report.build import build_report, first_words
from local.report.expect import failures, is_anything_missed
from local.report.listener import Note, listen
from local.report.page import render_page
from local.speech.voices.catalogue import VOICES

AGENT_VOICES = (
    "alloy",
    "onyx",
    *sorted(v.name for v in VOICES.values() if v.engine == "piper" and v.name not in {"alloy", "onyx"}),
)
"""The embedded speech server's voices for agents, the likely ones first."""
_A_WHILE_FRAMES = 200
"""A voice is told by the first 2 s that were heard of it, its short pauses with them."""
_NO_DOUBT = 0.8
"""A voice that fits like this is the one: the others need not be tried."""
_SENTENCE = re.compile(r".{24,}?[.!?](?=\s|$)|.+", re.DOTALL)


async def write(
    recording: Recording,
    call: Call | None,
    handoffs: Sequence[Handoff],
    *,
    folder: Path,
    script: Script,
    speech_url: str,
    versions: Mapping[str, str],
) -> list[str]:
    """Writes caller_heard.wav, caller_said.wav, report.json and report.html into ``folder``; returns, as plain sentences, what
    is not as the script expects.

    The speech server serves as the listener and as the reference for clipping; when it is away, that is one more failure.
    """
    save_audio(recording, folder)
    notes: tuple[Note, ...] = ()
    again: tuple[Note, ...] = ()
    sentences: dict[str, Samples] = {}
    wrong = list(recording.problems)
    try:
        notes = await listen(recording, speech_url=speech_url)
        if is_anything_missed(script.expect, notes):
            again = await listen(recording, speech_url=speech_url, again=True)
        sentences = await _references(recording, speech_url)
    except SpeechUnavailable as e:
        wrong.append(f"nobody could listen to the recording: {e}")
    report = build_report(
        recording, call, handoffs, versions=versions, reference=lambda text: sentences.get(first_sentence(text))
    )
    wrong.extend(failures(script.expect, report, notes, again=again))
    page = render_page(report, recording, title=script.title, failures=wrong, notes=notes)
    (folder / "report.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / "report.html").write_text(page, "utf-8")
    return wrong


def first_sentence(text: str) -> str:
    """The first sentence, or the first few when they are short: voices are made sentence by sentence."""
    match = _SENTENCE.match(" ".join(text.split()))
    return match.group() if match else ""


async def _references(recording: Recording, speech_url: str) -> dict[str, Samples]:
    """The first sentence of each agent but the first, as its voice says it when nothing is lost.

    Which voice a service has is its own business: the one that fits best what was heard is taken, or none.
    """
    found: dict[str, Samples] = {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        for identity, words in list(first_words(recording.captions).items())[1:]:
            stretches = speech_of(identity, recording.agents[identity]) if identity in recording.agents else []
            if not stretches:
                continue
            sentence = first_sentence(words)
            heard = recording.agents[identity][stretches[0].start * FRAME :][: _A_WHILE_FRAMES * FRAME]
            best = SURE
            for voice in AGENT_VOICES:
                spoken = await speak(speech_url, sentence, voice=voice, session=session)
                if (fits := likeness(heard, spoken)) >= best:
                    found[sentence], best = spoken, fits
                if best >= _NO_DOUBT:
                    break
    return found
