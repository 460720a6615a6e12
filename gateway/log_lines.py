"""What the gateway logs: one JSON object a line, with fields that were chosen, so that no caller's word or address slips in."""

from __future__ import annotations

import logging

from telemetry.log_lines import JsonLines


def log_as_lines() -> None:
    """Our own loggers from INFO on, for who reads a call's words is noted there; all others from WARNING on."""
    writer = logging.StreamHandler()
    writer.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[writer], force=True)
    for ours in ("gateway", "voicemesh"):
        logging.getLogger(ours).setLevel(logging.INFO)
