"""The gRPC server of one service: the HandoffService, and grpc.health.v1 beside it."""

from __future__ import annotations

import errno
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from handoff import wire
from handoff.context import MAX_BYTES
from handoff.tls import Certificates

_SERVER_OPTIONS: list[tuple[str, int]] = [
    # Somewhat more than a context may have, so that an oversize one is declined by us with a reason.
    ("grpc.max_receive_message_length", 4 * MAX_BYTES),
    # A port in use is an error, not shared.
    ("grpc.so_reuseport", 0),
    # Givers that watch ping every second; the default would hang up on them.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 500),
    ("grpc.http2.max_ping_strikes", 0),
    # A giver that vanished without a word does not keep its stream here.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
]


class Listener:
    """A running server, and the health service beside it."""

    def __init__(self, server: grpc.aio.Server, checks: Any, port: int) -> None:
        self._server = server
        self._checks = checks
        self.port = port
        """The port it is bound to."""

    async def stop(self, grace_seconds: float | None = None) -> None:
        """Answers NOT_SERVING from now on, takes no new request, and ends running ones after ``grace_seconds``."""
        await self._checks.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)


async def serve(
    taker: wire.HandoffServiceServicer, *, host: str, port: int, certificates: Certificates | None = None
) -> Listener:
    """Starts the server; port 0 takes a free one. With ``certificates`` nobody is let in without one of the same authority. Raises
    OSError when it cannot listen there, UnusableCertificates."""
    credentials = certificates.for_servers() if certificates is not None else None
    server = grpc.aio.server(options=_SERVER_OPTIONS)
    wire.add_HandoffServiceServicer_to_server(taker, server)  # type: ignore[no-untyped-call]
    checks: Any = health.aio.HealthServicer()  # type: ignore[attr-defined]
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    address = f"{host}:{port}"
    try:
        bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    except RuntimeError as e:
        raise OSError(errno.EADDRINUSE, f"cannot listen on {address} for handoffs") from e
    await server.start()
    for name in ("", wire.SERVICE_NAME):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    return Listener(server, checks, bound)
