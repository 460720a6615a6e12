"""The callers that ship with the mesh, each against what its own script expects, as often as one likes, on one mesh."""

from __future__ import annotations

from local.shipped.calls import Played, ShippedCalls

__all__ = ["Played", "ShippedCalls"]
