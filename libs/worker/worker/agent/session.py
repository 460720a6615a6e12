"""An AgentSession with the options that are safe in a mesh; each has its reason."""

from __future__ import annotations

import re
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, inference, llm, room_io, tts
from livekit.agents.voice.turn import EndpointingOptions

from worker.speech.at_once import AtOnce
from worker.speech.early_ears import EarlyEars
from worker.speech.steady_ears import SteadyEars
from worker.speech.voice_gate import VoiceGate
from worker.understanding.extract import facts_in

PROMPT: EndpointingOptions = {"min_delay": 0.5, "max_delay": 1.1}
"""Seconds of silence after which a turn is over: when the turn sounds finished, and when it does not. Of 15 sentences cut in half the
turn detector takes 2 to 6 for finished, by telephone 9 to 11: who only breathes must have time to go on."""
SPELLING: EndpointingOptions = {"min_delay": 1.0, "max_delay": 2.5}
"""The same while the caller reads out a code: people pause between its digits."""
WHOLE: EndpointingOptions = {"min_delay": 0.4, "max_delay": 0.5}
"""The same when the words leave nothing open, whatever the voice sounds like: "yes please" by some voices takes the full 1.1 s."""
CODE: EndpointingOptions = {"min_delay": 0.4, "max_delay": 1.1}
"""The same when the code that was asked for is there whole."""
_PACE_SECONDS = 0.25
_IS_WHOLE = re.compile(
    r"((yes|yeah|yep|sure|okay|ok|no|nope|great|perfect|alright)\W+)*"
    r"((please( do)?|go ahead|thanks|thank you( (so|very) much)?|that('s| is| was| will be)( really)? (all|it|everything)"
    r"|nothing else|i'?m (all )?(set|good)|(good ?)?bye|have a (good|nice|great|lovely) (day|one))\W*)+",
    re.IGNORECASE,
)
_ASKS_FOR_A_CODE = re.compile(r"\b(ID|number|digits?|reference|spell)\b[^.?!]*\?", re.IGNORECASE)


_CODES = frozenset({"account_id", "postal_code", "invoice_number", "ticket_id"})


def endpointing_after(question: str, heard: str = "") -> EndpointingOptions:
    """How patient to be with the answer to what the agent said last, of which ``heard`` has come: a whole code is an answer, and so
    is a "no, that's all, thank you"."""
    asks_for_a_code = _ASKS_FOR_A_CODE.search(question) is not None
    if asks_for_a_code and not any(name in _CODES for name, _ in facts_in(heard, question)):
        return SPELLING
    if _IS_WHOLE.fullmatch(heard.strip()):
        return WHOLE
    return CODE if asks_for_a_code else PROMPT


def build(*, ears: SteadyEars, voice: tts.TTS[Any], brain: llm.LLM[Any]) -> AgentSession[Any]:
    """The session of one call; ``attach_gate`` after its start puts the floor's gate on top of its voice."""
    voice_detector = inference.VAD(model="silero", executor=AtOnce())
    return AgentSession(
        stt=EarlyEars(ears, voice_detector) if ears.may_guess else ears,
        llm=brain,
        tts=voice,
        vad=voice_detector,
        turn_handling={
            # The local model by name: the default may choose the cloud's when credentials are in the environment.
            "turn_detection": inference.TurnDetector(version="v1-mini"),
            # A copy: the session keeps it, and writes every later change into it.
            "endpointing": PROMPT.copy(),
            "interruption": {
                "mode": "vad",
                # Heard 0.1 s after a voice begins, and 0.25 s on the way here and back: silent within 600 ms. Any sound of that length,
                # an "uh-huh" or a cough, is a pause only: backchannel.py and the timeout below end it, unheard.py loses nothing.
                "min_duration": 0.2,
                # No transcript so long after the caller's voice ended: it was none of his turns, and the agent goes on.
                "false_interruption_timeout": 1.0,
                # What the caller says over a sentence that goes on must still be heard and remembered.
                "discard_audio_if_uninterruptible": False,
            },
            # A brain that thinks before the turn is over would call tools on half a sentence.
            "preemptive_generation": {"enabled": False},
        },
        # With the default 3 s, a caller who interrupts early is neither heard nor transcribed.
        aec_warmup_duration=None,
        # SilenceWatch counts silences instead: it asks twice and says goodbye.
        user_away_timeout=None,
        # A voice that speech to text makes nothing of must lead to a question, not to silence; but a slow transcript, on a busy
        # machine or from a busy provider, must not be overtaken by that question.
        transcription_timeout=2.5,
        max_tool_steps=6,
        # A giver leaves at once: what the caller says from then on is the taker's.
        session_close_transcript_timeout=0.1,
    )


def room_options(caller_identity: str) -> room_io.RoomOptions:
    """Listens to the caller alone; never ends the room when this agent's session ends."""
    return room_io.RoomOptions(
        participant_identity=caller_identity,
        close_on_disconnect=True,
        delete_room_on_close=False,
        text_input=False,
        audio_input=room_io.AudioInputOptions(
            # Instead of 50 ms: an interruption, and the end of a turn, are noticed that much sooner.
            frame_size_ms=20,
            # What the voice and turn detectors work at, and speech to text too: from LiveKit's 24 kHz each of them would resample every
            # frame for itself, and a minute that is kept for speech to text would be half as large again.
            sample_rate=16_000,
        ),
    )


def attach_gate(session: AgentSession[Any], *, is_open: bool) -> VoiceGate:
    """Puts a VoiceGate on top of the session's audio output. Call after start, before anything is said."""
    output = session.output.audio
    assert output is not None, "the session has no audio output"
    gate = VoiceGate(output, is_open=is_open)
    session.output.audio = gate
    return gate


def pace_captions(session: AgentSession[Any]) -> None:
    """Call after start, before anything is said. LiveKit paces captions by the sound of the sentence: ten times a second it looks at
    the whole second before, a fifth of all Python that a call runs. Four times tell the same pace.

    Its options are not public; a test pins them, as the exact version of the package does."""
    synchronizer = session._room_io._tr_synchronizer if session._room_io is not None else None
    if synchronizer is not None:
        synchronizer._opts.speaking_rate_detector._opts.step_size = _PACE_SECONDS


def hear_only_the_caller(room: rtc.Room, caller_identity: str) -> None:
    """Subscribes to the caller's audio and nothing else.

    Another agent's subscription would make LiveKit start our first sentence before the caller can hear it.
    """

    def follow(publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller_identity and publication.kind == rtc.TrackKind.KIND_AUDIO:
            publication.set_subscribed(True)

    for participant in room.remote_participants.values():
        for publication in participant.track_publications.values():
            follow(publication, participant)
    room.on("track_published", follow)
