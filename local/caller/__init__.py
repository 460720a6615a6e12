"""Recorded callers: a script in YAML, a voice, a mouth and an ear in a real room, and what the ear can tell afterwards."""

from local.caller.access import Access, new_access
from local.caller.caller import CallRefused, place_call
from local.caller.reader import load_script
from local.caller.recording import Caption, Recording, Spoken, save_audio, service_of
from local.caller.script import Expect, Line, Script, ScriptError
from local.caller.voice import SpeechUnavailable, render

__all__ = [
    "Access",
    "CallRefused",
    "Caption",
    "Expect",
    "Line",
    "Recording",
    "Script",
    "ScriptError",
    "SpeechUnavailable",
    "Spoken",
    "load_script",
    "new_access",
    "place_call",
    "render",
    "save_audio",
    "service_of",
]
