"""What is told of how callers feel: numbers of the mesh, never of a caller."""

from __future__ import annotations

from handoff.call import Sentiment
from telemetry import measure

_STEADY = 0.2
"""A change over the call that is smaller tells nothing: one word of the lexicon moves the score by about as much."""


def told_of_mood(mood: Sentiment, call_id: str) -> None:
    """One caller turn was heard."""
    measure.observe("voicemesh_sentiment", (mood.score + 1) / 2, call_id=call_id)
    trend = "steady" if abs(mood.trend) < _STEADY else "rising" if mood.trend > 0 else "falling"
    measure.count("voicemesh_sentiment_trend_total", {"trend": trend}, call_id=call_id)
