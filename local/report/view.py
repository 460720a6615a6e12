"""What several parts of the page need: places on the time line, a colour for each speaker, words made safe."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from local.caller.band import Samples
from local.caller.captions import CALLER
from local.caller.recording import Recording, service_of

_COLOURS = 5
"""Colours that page.css has for services, by order of appearance."""


def words(text: str) -> str:
    """Words as they are to be seen, whatever is in them."""
    return html.escape(text, quote=True)


class View:
    """What several parts of the page need: durations, and a colour for each speaker."""

    def __init__(self, report: dict[str, Any], recording: Recording) -> None:
        self.report = report
        self.recording = recording
        self.duration_ms = max(1, recording.duration_ms)
        heard = [service_of(identity) for identity in recording.agents]
        spoke = [t["speaker"] for t in report["turns"] if t["speaker"] != CALLER]
        self.services = list(dict.fromkeys([*report["services"], *spoke, *heard]))

    def colour(self, speaker: str) -> str:
        """The CSS class of a speaker."""
        if speaker == CALLER or speaker not in self.services:
            return "who-caller"
        return f"who-{self.services.index(speaker) % _COLOURS}"

    def left(self, at_ms: float) -> str:
        """A place on the time line, in per cent."""
        return f"{100 * min(max(at_ms, 0), self.duration_ms) / self.duration_ms:.3f}%"

    def agent_tracks(self) -> dict[str, Samples]:
        """The agents' audio by colour."""
        tracks: dict[str, Samples] = {}
        for identity, track in self.recording.agents.items():
            name = self.colour(service_of(identity))
            both = tracks[name].astype(np.int32) + track if name in tracks else track
            tracks[name] = np.clip(both, -32768, 32767).astype(np.int16)
        return tracks

    def handovers(self) -> list[dict[str, Any]]:
        """Handoffs that were heard, with the place where the taker begins."""
        found: list[dict[str, Any]] = []
        for handoff in self.report["handoffs"]:
            begins = [t["start_ms"] for t in self.report["turns"] if t["speaker"] == handoff["to_service"]]
            if handoff["gap_ms"] is not None and begins:
                after = [b for b in begins if not found or b > found[-1]["at_ms"]]
                if after:
                    found.append({**handoff, "at_ms": after[0]})
        return found
