"""LiveKit's SIP API in memory, as livekit-server 1.13 keeps it: ids of its own, whole records replaced, what it refuses refused.

It notes every call that changes something, in order, and after each one whether every number that was answered before still is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TypeVar

from livekit.api import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    DeleteSIPDispatchRuleRequest,
    DeleteSIPTrunkRequest,
    ListSIPDispatchRuleRequest,
    ListSIPDispatchRuleResponse,
    ListSIPInboundTrunkRequest,
    ListSIPInboundTrunkResponse,
    ListSIPOutboundTrunkRequest,
    ListSIPOutboundTrunkResponse,
    ServerError,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
    SIPTrunkInfo,
)

from gateway.phone.values import digits_of

Message = TypeVar("Message", SIPInboundTrunkInfo, SIPOutboundTrunkInfo, SIPDispatchRuleInfo)


class FakeSip:
    """A ``gateway.phone.livekit.Sip``. Records go in and out as copies, as over a wire."""

    def __init__(self) -> None:
        self.trunks: dict[str, SIPInboundTrunkInfo] = {}
        self.outbound: dict[str, SIPOutboundTrunkInfo] = {}
        self.rules: dict[str, SIPDispatchRuleInfo] = {}
        self.done: list[str] = []
        self.answered: list[dict[str, str]] = []
        """After each change: who answers a call to each number."""
        self.fails_after: int | None = None
        """So many changes are made, and the next one is refused."""
        self._ids = count(1)

    # --- listing -------------------------------------------------------------------------------------------------------
    async def list_inbound_trunk(self, _: ListSIPInboundTrunkRequest, /) -> ListSIPInboundTrunkResponse:
        return ListSIPInboundTrunkResponse(items=self.trunks.values())

    async def list_outbound_trunk(self, _: ListSIPOutboundTrunkRequest, /) -> ListSIPOutboundTrunkResponse:
        return ListSIPOutboundTrunkResponse(items=self.outbound.values())

    async def list_dispatch_rule(self, _: ListSIPDispatchRuleRequest, /) -> ListSIPDispatchRuleResponse:
        return ListSIPDispatchRuleResponse(items=self.rules.values())

    # --- creating ------------------------------------------------------------------------------------------------------
    async def create_inbound_trunk(self, asked: CreateSIPInboundTrunkRequest, /) -> SIPInboundTrunkInfo:
        made = self._new(asked.trunk, asked.trunk.sip_trunk_id)
        self._check_trunk(made)
        made.sip_trunk_id = f"ST_{next(self._ids):03}"
        self.trunks[made.sip_trunk_id] = made
        self._note("create trunk", made.name)
        return _copy(made)

    async def create_outbound_trunk(self, asked: CreateSIPOutboundTrunkRequest, /) -> SIPOutboundTrunkInfo:
        made = self._new(asked.trunk, asked.trunk.sip_trunk_id)
        if not made.numbers or not made.address or made.address.startswith("sip:"):
            raise refused("no trunk numbers or no outbound address specified")
        made.sip_trunk_id = f"ST_{next(self._ids):03}"
        self.outbound[made.sip_trunk_id] = made
        self._note("create outbound", made.name)
        return _copy(made)

    async def create_dispatch_rule(self, asked: CreateSIPDispatchRuleRequest, /) -> SIPDispatchRuleInfo:
        made = self._new(asked.dispatch_rule, asked.dispatch_rule.sip_dispatch_rule_id)
        self._check_rule(made)
        made.media.SetInParent()  # as its `Upgrade` leaves it
        made.sip_dispatch_rule_id = f"SDR_{next(self._ids):03}"
        self.rules[made.sip_dispatch_rule_id] = made
        self._note("create rule", made.name)
        return _copy(made)

    # --- changing ------------------------------------------------------------------------------------------------------
    async def update_inbound_trunk(self, id_: str, trunk: SIPInboundTrunkInfo, /) -> SIPInboundTrunkInfo:
        made = self._replaced(self.trunks.get(id_), trunk, trunk.sip_trunk_id)
        made.sip_trunk_id = id_
        self._check_trunk(made)
        self.trunks[id_] = made
        self._note("change trunk", made.name)
        return _copy(made)

    async def update_outbound_trunk(self, id_: str, trunk: SIPOutboundTrunkInfo, /) -> SIPOutboundTrunkInfo:
        made = self._replaced(self.outbound.get(id_), trunk, trunk.sip_trunk_id)
        made.sip_trunk_id = id_
        self.outbound[id_] = made
        self._note("change outbound", made.name)
        return _copy(made)

    async def update_dispatch_rule(self, id_: str, rule: SIPDispatchRuleInfo, /) -> SIPDispatchRuleInfo:
        made = self._replaced(self.rules.get(id_), rule, rule.sip_dispatch_rule_id)
        made.sip_dispatch_rule_id = id_
        self._check_rule(made)
        self.rules[id_] = made
        self._note("change rule", made.name)
        return _copy(made)

    # --- removing ------------------------------------------------------------------------------------------------------
    async def delete_trunk(self, asked: DeleteSIPTrunkRequest, /) -> SIPTrunkInfo:
        self._may_change()
        inbound, outbound = self.trunks.pop(asked.sip_trunk_id, None), self.outbound.pop(asked.sip_trunk_id, None)
        self._note("remove trunk", (inbound or outbound or SIPInboundTrunkInfo()).name)
        return SIPTrunkInfo(sip_trunk_id=asked.sip_trunk_id)

    async def delete_dispatch_rule(self, asked: DeleteSIPDispatchRuleRequest, /) -> SIPDispatchRuleInfo:
        self._may_change()
        rule = self.rules.pop(asked.sip_dispatch_rule_id, SIPDispatchRuleInfo())
        self._note("remove rule", rule.name)
        return _copy(rule)

    # --- a call --------------------------------------------------------------------------------------------------------
    def called(self, number: str) -> SIPDispatchRuleInfo | None:
        """The rule that a call to ``number`` would get, as a carrier spells it; None: nobody answers. Others' wildcards are left out."""
        trunk = next((t for t in self.trunks.values() if digits_of(number) in map(digits_of, t.numbers)), None)
        if trunk is None:
            return None
        rules = [r for r in self.rules.values() if trunk.sip_trunk_id in r.trunk_ids]
        # Its numbers a rule compares letter by letter.
        return next((r for r in rules if not r.numbers or number in r.numbers), None)

    def who_answers(self) -> dict[str, str]:
        """Service by number, of all numbers that any trunk holds."""
        held = sorted(number for trunk in self.trunks.values() for number in trunk.numbers)
        found = {number: self.called(number) for number in held}
        return {
            number: ",".join(a.agent_name for a in rule.room_config.agents) for number, rule in found.items() if rule
        }

    # --- what it refuses -------------------------------------------------------------------------------------------------
    def _new(self, asked: Message, id_: str) -> Message:
        self._may_change()
        if id_:
            raise refused("id must not be set")
        return _copy(asked)

    def _replaced(self, has: Message | None, asked: Message, id_: str) -> Message:
        self._may_change()
        if has is None:
            raise ServerError("not_found", "requested sip trunk or rule does not exist", status=404)
        if id_ and id_ != _id(has):
            raise refused("id in the info must be empty or match the id in the update")
        return _copy(asked)

    def _may_change(self) -> None:
        if self.fails_after is not None and len(self.done) >= self.fails_after:
            raise ServerError("unavailable", "come again later", status=503)

    def _check_trunk(self, made: SIPInboundTrunkInfo) -> None:
        if not (made.numbers or made.allowed_addresses or made.auth_username or made.auth_password):
            raise refused("for security, one of the fields must be set")
        for other in self.trunks.values():
            if other.sip_trunk_id != made.sip_trunk_id and _collide(other, made):
                raise refused(
                    f"Conflicting inbound SIP Trunks: {made.sip_trunk_id or '<new>'} and {other.sip_trunk_id}"
                )

    def _check_rule(self, made: SIPDispatchRuleInfo) -> None:
        if made.rule.WhichOneof("rule") is None:
            raise refused("missing rule")
        for other in self.rules.values():
            if other.sip_dispatch_rule_id != made.sip_dispatch_rule_id and set(_keys(other)) & set(_keys(made)):
                raise refused(
                    "Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists"
                )

    def _note(self, what: str, name: str) -> None:
        self.done.append(f"{what} {name.rpartition('/')[2]}")
        self.answered.append(self.who_answers())


def refused(why: str) -> ServerError:
    """As LiveKit refuses what it does not like."""
    return ServerError("invalid_argument", why, status=400)


def _copy(message: Message) -> Message:
    return type(message).FromString(message.SerializeToString())


def _id(message: SIPInboundTrunkInfo | SIPOutboundTrunkInfo | SIPDispatchRuleInfo) -> str:
    return message.sip_dispatch_rule_id if isinstance(message, SIPDispatchRuleInfo) else message.sip_trunk_id


def _collide(one: SIPInboundTrunkInfo, other: SIPInboundTrunkInfo) -> bool:
    numbers = [{digits_of(n) for n in trunk.numbers} or {""} for trunk in (one, other)]
    callers = [{digits_of(n) for n in trunk.allowed_numbers} or {""} for trunk in (one, other)]
    return bool(numbers[0] & numbers[1]) and bool(callers[0] & callers[1])


def _keys(rule: SIPDispatchRuleInfo) -> Iterator[tuple[str, str, str, str]]:
    kind = rule.rule.WhichOneof("rule")
    pin = getattr(rule.rule, kind).pin if kind else ""
    for trunk in rule.trunk_ids or [""]:
        for caller in rule.inbound_numbers or [""]:
            for number in rule.numbers or [""]:
                yield pin, trunk, digits_of(caller), digits_of(number)
