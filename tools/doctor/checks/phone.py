"""Telephone numbers: whether those who dial one get an agent."""

from __future__ import annotations

from livekit.api import ListSIPDispatchRuleRequest, ListSIPInboundTrunkRequest, SIPDispatchRuleInfo

from gateway.phone.livekit import LiveKitTrouble, connect, explained
from gateway.settings import PhoneSettings, SettingsError
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import SERVICES, Target

FRONT_DESK = "triage"


async def dispatch(target: Target) -> Answer:
    """A dispatch rule that names no service puts who dials into a room where nobody ever comes: he hears nothing until he hangs up."""
    names = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
    try:
        settings = PhoneSettings.from_env({name: target.value(name) for name in names})
    except SettingsError:
        raise Skipped("LiveKit's address or key is not usable: see the check settings") from None
    try:
        with explained(settings.livekit_url, frozenset({settings.livekit_api_secret})):
            async with connect(settings) as sip:
                trunks = (await sip.list_inbound_trunk(ListSIPInboundTrunkRequest())).items
                rules = (await sip.list_dispatch_rule(ListSIPDispatchRuleRequest())).items
    except LiveKitTrouble as refusal:
        if "has no Redis" in str(refusal):
            raise Skipped("this LiveKit has no Redis, so it keeps no telephone numbers") from None
        raise Skipped(f"{str(refusal).partition(': ')[0]}: see livekit.reachable, livekit.credentials") from None
    if not trunks and not rules:
        raise Skipped("no telephone numbers (docs/phone.md)")
    wrong = [trouble for rule in rules if (trouble := _of_rule(rule)) is not None]
    ruled = {trunk for rule in rules for trunk in rule.trunk_ids}
    for trunk in trunks:
        # A rule that names no trunk takes calls of all.
        if trunk.sip_trunk_id not in ruled and not any(not rule.trunk_ids for rule in rules):
            wrong.append(
                Trouble(f"no dispatch rule takes calls of the trunk {trunk.name or trunk.sip_trunk_id}", "LiveKit's dispatch rules", "make phone-config CONFIG=phone.yaml")
            )  # fmt: skip
    if rules and not wrong and not any(FRONT_DESK in _agents(rule) for rule in rules):
        wrong.append(
            Trouble(f"no rule names {FRONT_DESK}: nobody who dials reaches the front desk", "LiveKit's dispatch rules", f"give a number to {FRONT_DESK} in phone.yaml, then make phone-config", is_fatal=False)
        )  # fmt: skip
    return f"{len(trunks)} numbers, {len(rules)} rules, each names a service", wrong


def _agents(rule: SIPDispatchRuleInfo) -> list[str]:
    return [agent.agent_name for agent in rule.room_config.agents]


def _of_rule(rule: SIPDispatchRuleInfo) -> Trouble | None:
    name, agents = rule.name or rule.sip_dispatch_rule_id, _agents(rule)
    where = f"dispatch rule {name}, in LiveKit"
    mend = f"make phone-config CONFIG=phone.yaml, where its number has a service ({', '.join(SERVICES)}); one by hand: lk sip dispatch list"
    if not any(agents):
        return Trouble("it names no agent: who dials hears nothing", where, mend)
    if unknown := [agent for agent in agents if agent not in SERVICES]:
        return Trouble(
            f"it names {', '.join(unknown)}, and no service is called so: who dials hears nothing", where, mend
        )
    return None
