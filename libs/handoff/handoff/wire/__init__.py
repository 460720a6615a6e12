"""Translation between the domain's dataclasses and the messages of handoff.v1, which nothing outside this package imports.

What comes in is checked here for form (ids, times, enums, ranges, sizes). Giver and taker take the generated service from here
too, so that where it was generated is known in one place.
"""

from handoff.v1.handoff_service_pb2 import (
    DESCRIPTOR,
    OfferRequest,
    OfferResponse,
    PoolRequest,
    PoolResponse,
    WatchRequest,
    WatchResponse,
    WithdrawRequest,
    WithdrawResponse,
)
from handoff.v1.handoff_service_pb2_grpc import (
    HandoffServiceServicer,
    HandoffServiceStub,
    add_HandoffServiceServicer_to_server,
)
from handoff.wire.answers import (
    HandoffUpdate,
    PoolStatus,
    outcome_from_wire,
    outcome_to_wire,
    pool_from_wire,
    pool_to_wire,
    update_from_wire,
    update_to_wire,
    withdrawal_to_wire,
)
from handoff.wire.context import from_wire, to_wire

SERVICE_NAME: str = DESCRIPTOR.services_by_name["HandoffService"].full_name
"""As the health service knows it."""

__all__ = [
    "SERVICE_NAME",
    "from_wire",
    "to_wire",
    "HandoffUpdate",
    "PoolStatus",
    "outcome_from_wire",
    "outcome_to_wire",
    "pool_from_wire",
    "pool_to_wire",
    "update_from_wire",
    "update_to_wire",
    "withdrawal_to_wire",
    "OfferRequest",
    "OfferResponse",
    "PoolRequest",
    "PoolResponse",
    "WatchRequest",
    "WatchResponse",
    "WithdrawRequest",
    "WithdrawResponse",
    "HandoffServiceServicer",
    "HandoffServiceStub",
    "add_HandoffServiceServicer_to_server",
]
