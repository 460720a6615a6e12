"""What a taker answers: to an offer, to a watcher, about its room for calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handoff.errors import InvalidContext, WireMismatch
from handoff.lifecycle import State
from handoff.outcome import Accepted, Declined, Outcome, Refusal
from handoff.store import Handoff
from handoff.v1 import handoff_pb2
from handoff.v1.handoff_service_pb2 import OfferResponse, PoolResponse, WatchResponse, WithdrawResponse
from handoff.wire.form import EnumTable, time_from_wire, time_to_wire

_STATE = EnumTable(State, handoff_pb2.HandoffState, "HANDOFF_STATE")
_REFUSAL = EnumTable(Refusal, handoff_pb2.Refusal, "REFUSAL")


@dataclass(frozen=True, slots=True)
class HandoffUpdate:
    """Where a watched handoff stands; ``moved_at`` is seconds since the epoch, by the store's clock."""

    handoff_id: str
    state: State
    moved_at: Mapping[State, float]
    taker_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """How many calls a service's process can hold and holds, and its release."""

    service: str
    capacity: int
    active: int
    draining: bool
    version: str


def outcome_to_wire(outcome: Accepted | Declined) -> OfferResponse:
    """The taker's answer."""
    match outcome:
        case Accepted(handoff_id=handoff_id, agent_name=agent_name, version=version):
            accepted = handoff_pb2.Accepted(agent_name=agent_name, version=version)
            return OfferResponse(handoff_id=handoff_id, accepted=accepted)
        case Declined(handoff_id=handoff_id, reason=reason, message=message):
            declined = handoff_pb2.Declined(reason=_REFUSAL.to_wire(reason), message=message)
            return OfferResponse(handoff_id=handoff_id, declined=declined)


def outcome_from_wire(message: OfferResponse, handoff_id: str) -> Outcome:
    """Raises WireMismatch when the answer is to another offer, or none that this version knows."""
    if message.handoff_id != handoff_id:
        raise WireMismatch("the answer is to another offer")
    match message.WhichOneof("answer"):
        case "accepted":
            if not message.accepted.agent_name:
                raise WireMismatch("the offer was accepted without the name of an agent")
            return Accepted(handoff_id, message.accepted.agent_name, message.accepted.version)
        case "declined":
            return Declined(handoff_id, _REFUSAL.from_wire(message.declined.reason), message.declined.message)
        case _:
            raise WireMismatch("the answer is neither accepted nor declined")


def withdrawal_to_wire(handoff_id: str, state: State) -> WithdrawResponse:
    """Where the handoff stands after it was asked to be withdrawn."""
    return WithdrawResponse(handoff_id=handoff_id, state=_STATE.to_wire(state))


def update_to_wire(handoff: Handoff) -> WatchResponse:
    """Where a stored handoff stands, without its context."""
    steps = sorted(handoff.moved_at.items(), key=lambda step: step[1])
    return WatchResponse(
        handoff_id=handoff.context.handoff_id,
        state=_STATE.to_wire(handoff.state),
        steps=[handoff_pb2.Step(state=_STATE.to_wire(s), moved_at=time_to_wire(at)) for s, at in steps],
        taker_id=handoff.taker_id,
        reason=handoff.reason,
    )


def update_from_wire(message: WatchResponse) -> HandoffUpdate:
    """Raises WireMismatch when it cannot be read."""
    try:
        # A state that only a later release knows, and that is past, is passed over.
        steps = [step for step in message.steps if _STATE.knows(step.state)]
        moved_at = {_STATE.from_wire(step.state): time_from_wire(step, "moved_at") for step in steps}
    except InvalidContext as e:
        raise WireMismatch(str(e)) from None
    return HandoffUpdate(
        handoff_id=message.handoff_id,
        state=_STATE.from_wire(message.state),
        moved_at=moved_at,
        taker_id=message.taker_id,
        reason=message.reason,
    )


def pool_to_wire(status: PoolStatus) -> PoolResponse:
    return PoolResponse(
        service=status.service,
        capacity=status.capacity,
        active=status.active,
        draining=status.draining,
        version=status.version,
    )


def pool_from_wire(message: PoolResponse) -> PoolStatus:
    """Raises WireMismatch when the service does not say which it is."""
    if not message.service:
        raise WireMismatch("PoolResponse.service is missing")
    return PoolStatus(message.service, message.capacity, message.active, message.draining, message.version)
