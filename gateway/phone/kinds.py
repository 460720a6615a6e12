"""The three kinds of records that LiveKit keeps for telephones, and which of their fields are ours to set.

What phone.yaml has no word for is none of ours: it is neither compared nor changed, whoever set it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from livekit.api import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    DeleteSIPDispatchRuleRequest,
    DeleteSIPTrunkRequest,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPMediaEncryption,
    SIPOutboundTrunkInfo,
    SIPTransport,
)

from gateway.phone.livekit import Sip

Record = TypeVar("Record", SIPInboundTrunkInfo, SIPOutboundTrunkInfo, SIPDispatchRuleInfo)
_Trunk = SIPInboundTrunkInfo | SIPOutboundTrunkInfo


@dataclass(frozen=True, slots=True)
class Field(Generic[Record]):
    """One thing of a record that is ours. ``of`` gives it as text: for a person, and to compare."""

    name: str
    of: Callable[[Record], str]
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Kind(Generic[Record]):
    """How records of one kind are compared and changed."""

    name: str
    fields: tuple[Field[Record], ...]
    id_of: Callable[[Record], str]
    onto: Callable[[Record, Record], Record]
    """What LiveKit has, with our fields of the second record in place of its own."""
    create: Callable[[Sip, Record], Awaitable[Record]]
    change: Callable[[Sip, str, Record], Awaitable[Record]]
    remove: Callable[[Sip, str], Awaitable[object]]


def _listed(items: Iterable[str]) -> str:
    return ", ".join(sorted(items))


def _seconds(seconds: int) -> str:
    return str(seconds) if seconds else ""


def _encryption(record: _Trunk) -> str:
    """``media.encryption``, or the older field that it came to replace."""
    given = record.media.encryption if record.media.HasField("encryption") else record.media_encryption
    return SIPMediaEncryption.Name(given).removeprefix("SIP_MEDIA_ENCRYPT_").lower()


# --- an inbound trunk: who may call a number ---------------------------------------------------------------------------
def _onto_trunk(has: SIPInboundTrunkInfo, wanted: SIPInboundTrunkInfo) -> SIPInboundTrunkInfo:
    made = SIPInboundTrunkInfo()
    made.CopyFrom(has)
    for name in ("name", "metadata", "numbers", "allowed_addresses", "auth_username", "auth_password", "ringing_timeout",
                 "max_call_duration", "krisp_enabled", "media_encryption"):  # fmt: skip
        made.ClearField(name)
    made.media.ClearField("encryption")
    made.MergeFrom(wanted)
    return made


async def _create_trunk(sip: Sip, wanted: SIPInboundTrunkInfo) -> SIPInboundTrunkInfo:
    return await sip.create_inbound_trunk(CreateSIPInboundTrunkRequest(trunk=wanted))


async def _change_trunk(sip: Sip, id_: str, wanted: SIPInboundTrunkInfo) -> SIPInboundTrunkInfo:
    return await sip.update_inbound_trunk(id_, wanted)


async def _remove_trunk(sip: Sip, id_: str) -> object:
    return await sip.delete_trunk(DeleteSIPTrunkRequest(sip_trunk_id=id_))


TRUNK: Kind[SIPInboundTrunkInfo] = Kind(
    "trunk",
    (
        Field("number", lambda t: _listed(t.numbers)),
        Field("carrier", lambda t: t.metadata),
        Field("allowed_addresses", lambda t: _listed(t.allowed_addresses)),
        Field("username", lambda t: t.auth_username, is_secret=True),
        Field("password", lambda t: t.auth_password, is_secret=True),
        Field("ringing_seconds", lambda t: _seconds(t.ringing_timeout.seconds)),
        Field("max_call_seconds", lambda t: _seconds(t.max_call_duration.seconds)),
        Field("krisp", lambda t: str(t.krisp_enabled).lower()),
        Field("media_encryption", _encryption),
    ),
    lambda t: t.sip_trunk_id,
    _onto_trunk,
    _create_trunk,
    _change_trunk,
    _remove_trunk,
)


# --- a dispatch rule: into which room, and who answers -----------------------------------------------------------------
def _room(rule: SIPDispatchRuleInfo) -> str:
    """``one per call, call-`` is ours; of another's rule only its kind is told, for it may hold a PIN."""
    kind = str(rule.rule.WhichOneof("rule") or "none")
    if kind != "dispatch_rule_callee":
        return kind
    ours = rule.rule.dispatch_rule_callee
    words = ["one per call" if ours.randomize else "one per number", ours.room_prefix]
    return ", ".join([*words, "with a PIN"] if ours.pin else words)


def _onto_rule(has: SIPDispatchRuleInfo, wanted: SIPDispatchRuleInfo) -> SIPDispatchRuleInfo:
    made = SIPDispatchRuleInfo()
    made.CopyFrom(has)
    for name in ("name", "rule", "trunk_ids", "hide_phone_number", "attributes"):
        made.ClearField(name)
    made.room_config.ClearField("agents")
    made.MergeFrom(wanted)
    return made


async def _create_rule(sip: Sip, wanted: SIPDispatchRuleInfo) -> SIPDispatchRuleInfo:
    return await sip.create_dispatch_rule(CreateSIPDispatchRuleRequest(dispatch_rule=wanted))


async def _change_rule(sip: Sip, id_: str, wanted: SIPDispatchRuleInfo) -> SIPDispatchRuleInfo:
    return await sip.update_dispatch_rule(id_, wanted)


async def _remove_rule(sip: Sip, id_: str) -> object:
    return await sip.delete_dispatch_rule(DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=id_))


RULE: Kind[SIPDispatchRuleInfo] = Kind(
    "rule",
    (
        Field("service", lambda r: _listed(agent.agent_name for agent in r.room_config.agents)),
        Field("room", _room),
        Field("trunk", lambda r: _listed(r.trunk_ids)),
        Field("hide_phone_number", lambda r: str(r.hide_phone_number).lower()),
        Field("attributes", lambda r: _listed(f"{name}={value}" for name, value in r.attributes.items())),
    ),
    lambda r: r.sip_dispatch_rule_id,
    _onto_rule,
    _create_rule,
    _change_rule,
    _remove_rule,
)


# --- the outbound trunk: by whom we call -------------------------------------------------------------------------------
def _onto_outbound(has: SIPOutboundTrunkInfo, wanted: SIPOutboundTrunkInfo) -> SIPOutboundTrunkInfo:
    made = SIPOutboundTrunkInfo()
    made.CopyFrom(has)
    for name in ("name", "address", "transport", "numbers", "auth_username", "auth_password", "media_encryption"):
        made.ClearField(name)
    made.media.ClearField("encryption")
    made.MergeFrom(wanted)
    return made


async def _create_outbound(sip: Sip, wanted: SIPOutboundTrunkInfo) -> SIPOutboundTrunkInfo:
    return await sip.create_outbound_trunk(CreateSIPOutboundTrunkRequest(trunk=wanted))


async def _change_outbound(sip: Sip, id_: str, wanted: SIPOutboundTrunkInfo) -> SIPOutboundTrunkInfo:
    return await sip.update_outbound_trunk(id_, wanted)


OUTBOUND: Kind[SIPOutboundTrunkInfo] = Kind(
    "outbound trunk",
    (
        Field("address", lambda t: t.address),
        Field("transport", lambda t: SIPTransport.Name(t.transport).removeprefix("SIP_TRANSPORT_").lower()),
        Field("numbers", lambda t: _listed(t.numbers)),
        Field("username", lambda t: t.auth_username, is_secret=True),
        Field("password", lambda t: t.auth_password, is_secret=True),
        Field("media_encryption", _encryption),
    ),
    lambda t: t.sip_trunk_id,
    _onto_outbound,
    _create_outbound,
    _change_outbound,
    _remove_trunk,
)
