"""What LiveKit should hold for a phone.yaml: for each number a trunk and a rule of its own, and one trunk for calls of ours.

**Why each number has its own.** LiveKit compares a trunk's numbers as numbers, but a rule's letter by letter: a carrier that leaves
the + out would reach the trunk and no rule. And a number that has one trunk and one rule for as long as it is ours is only ever
changed where it stands: nothing moves from one record to another, so that there is no moment in which nobody answers.

**Why the room is named after the number that was called.** The room's name is the call's id, which stands in logs. LiveKit's other
rule for a room per call (``individual``) puts the caller's number into it, or his last four digits when it is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from livekit.api import (
    RoomAgentDispatch,
    RoomConfiguration,
    SIPDispatchRule,
    SIPDispatchRuleCallee,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPMediaConfig,
    SIPOutboundTrunkInfo,
)

from gateway.phone.config import Inbound, Line, Outbound, PhoneConfig

ROOM_PREFIX = "call-"
"""Workers know rooms that are calls by it."""
THE_NEW_TRUNK = "the new one"
"""In place of the id of a trunk that is yet to be created."""
OUTBOUND_KEY = "outbound"


@dataclass(frozen=True, slots=True)
class Desired:
    """Records by their keys: the number, or ``outbound``. ``rules`` name the trunk of their own number."""

    trunks: dict[str, SIPInboundTrunkInfo]
    rules: dict[str, SIPDispatchRuleInfo]
    outbound: dict[str, SIPOutboundTrunkInfo]


def mark(config: PhoneConfig) -> str:
    """How the names of our records in LiveKit begin; what begins otherwise is another's."""
    return f"voicemesh/{config.name}/"


def desired(config: PhoneConfig) -> Desired:
    """All that should be there. The rules' trunks are THE_NEW_TRUNK as yet."""
    lines = [(carrier, line) for carrier in config.inbound for line in carrier.lines]
    return Desired(
        {line.number: _trunk(mark(config), carrier, line) for carrier, line in lines},
        {line.number: _rule(mark(config), line) for _, line in lines},
        {OUTBOUND_KEY: _outbound(mark(config), config.outbound)} if config.outbound else {},
    )


def _trunk(mark: str, carrier: Inbound, line: Line) -> SIPInboundTrunkInfo:
    trunk = SIPInboundTrunkInfo(
        name=f"{mark}{line.number}",
        metadata=carrier.name,  # a trunk's is seen by nobody in a room, other than a rule's
        numbers=[line.number],
        allowed_addresses=carrier.allowed_addresses,
        krisp_enabled=carrier.krisp,
        media=_media(carrier.media_encryption),
    )
    trunk.ringing_timeout.seconds = carrier.ringing_seconds
    if carrier.max_call_seconds:
        trunk.max_call_duration.seconds = carrier.max_call_seconds
    if carrier.auth is not None:
        trunk.auth_username, trunk.auth_password = carrier.auth.username, carrier.auth.password
    return trunk


def _rule(mark: str, line: Line) -> SIPDispatchRuleInfo:
    room = SIPDispatchRuleCallee(room_prefix=ROOM_PREFIX, randomize=True)
    return SIPDispatchRuleInfo(
        name=f"{mark}{line.number}",
        rule=SIPDispatchRule(dispatch_rule_callee=room),
        trunk_ids=[THE_NEW_TRUNK],
        hide_phone_number=line.hide_phone_number,
        attributes=line.attributes,
        room_config=RoomConfiguration(agents=[RoomAgentDispatch(agent_name=line.service)]),
    )


def _outbound(mark: str, carrier: Outbound) -> SIPOutboundTrunkInfo:
    trunk = SIPOutboundTrunkInfo(
        name=f"{mark}{OUTBOUND_KEY}",
        address=carrier.address,
        transport=f"SIP_TRANSPORT_{carrier.transport.upper()}",
        numbers=carrier.numbers,
        media=_media(carrier.media_encryption),
    )
    if carrier.auth is not None:
        trunk.auth_username, trunk.auth_password = carrier.auth.username, carrier.auth.password
    return trunk


def _media(encryption: str) -> SIPMediaConfig:
    return SIPMediaConfig(encryption=f"SIP_MEDIA_ENCRYPT_{encryption.upper()}")
