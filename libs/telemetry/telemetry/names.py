"""Names that the mesh's telemetry is keyed by: a call's trace, and the spans that several processes must agree upon.

`python -m telemetry.names CALL` prints a call's trace id.

A call's trace id is computed from its call id, and so are the ids of the spans that outlive a process: whoever takes the call over, finds
it dead, or writes its ending, knows them without having been told (docs/adr/0013).
"""

from __future__ import annotations

import hashlib
import sys

TRACEPARENT = "traceparent"
"""W3C Trace Context's header; also the gRPC metadata key and the dispatch attribute."""


def trace_id_of(call_id: str) -> int:
    """128 bits, never 0."""
    return _number("trace", call_id, size=16)


def trace_hex_of(call_id: str) -> str:
    """As backends and log lines spell it: 32 hexadecimal digits."""
    return f"{trace_id_of(call_id):032x}"


def root_span_id(call_id: str) -> int:
    """Of the span `call`, which the ledger writes when the call has ended."""
    return _number("call", call_id, size=8)


def agent_span_id(call_id: str, agent_id: str) -> int:
    """Of the span `agent`: one agent (by its identity in the room) in one call. Its job writes it, or who found the job dead."""
    return _number("agent", call_id, agent_id, size=8)


def _number(*parts: str, size: int) -> int:
    digest = hashlib.sha256("\x00".join(parts).encode()).digest()
    return int.from_bytes(digest[:size], "big") or 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("python -m telemetry.names CALL ...")
    print("\n".join(trace_hex_of(call_id) for call_id in sys.argv[1:]))
