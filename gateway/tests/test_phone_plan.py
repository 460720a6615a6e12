"""The plan: what is ours is compared field by field, what is another's is never in it, and no secret is."""

from __future__ import annotations

from pathlib import Path

import pytest
from livekit.api import SIPDispatchRule, SIPDispatchRuleDirect, SIPDispatchRuleInfo, SIPInboundTrunkInfo

from gateway.phone.apply import apply
from gateway.phone.plan import Plan, Verb, ask, plan
from gateway.phone.printing import NOTHING_TO_DO, shown
from gateway.tests import phone_files
from gateway.tests.fake_sip import FakeSip
from gateway.tests.phone_files import DIRECT_LINES, SMALL, TWO_CARRIERS, config_of


def nobody(_: str) -> None:
    """Hears what is told, and says nothing."""


async def planned(sip: FakeSip, folder: Path, text: str) -> Plan:
    return plan(config_of(folder, text), await ask(sip))


async def holding(folder: Path, text: str) -> FakeSip:
    """A LiveKit that holds what the file says."""
    sip = FakeSip()
    await apply(await planned(sip, folder, text), sip, nobody)
    return sip


def verbs(found: Plan) -> dict[str, Verb]:
    return {f"{step.kind.name} {step.key}": step.verb for step in found.steps}


# --- what LiveKit is given -----------------------------------------------------------------------------------------------
async def test_a_call_gets_a_room_of_its_own_that_names_nothing_of_the_caller(tmp_path: Path) -> None:
    sip = await holding(tmp_path, SMALL)
    (rule,) = sip.rules.values()
    room = rule.rule.dispatch_rule_callee
    assert (room.room_prefix, room.randomize, room.pin) == ("call-", True, "")
    assert rule.hide_phone_number
    assert rule.metadata == "", "everybody in the room could read it"
    assert [agent.agent_name for agent in rule.room_config.agents] == ["triage"]


async def test_everything_of_the_file_arrives(tmp_path: Path) -> None:
    sip = await holding(tmp_path, TWO_CARRIERS)
    trunks = {trunk.numbers[0]: trunk for trunk in sip.trunks.values()}
    one, two = trunks["+15550100020"], trunks["+442079460000"]
    assert (one.auth_username, one.auth_password, one.krisp_enabled) == (
        phone_files.USERNAME,
        phone_files.PASSWORD,
        True,
    )
    assert (list(two.allowed_addresses), two.max_call_duration.seconds, two.ringing_timeout.seconds) == (
        ["0.0.0.0/0"],
        3600,
        20,
    )
    assert (one.media.encryption, two.media.encryption) == (0, 2)
    (outbound,) = sip.outbound.values()
    assert (outbound.address, outbound.transport, list(outbound.numbers)) == (
        "sip.example.com:5061",
        3,
        ["+15550100020", "+15550100000"],
    )
    assert (outbound.auth_password, outbound.media.encryption) == (phone_files.OTHER_PASSWORD, 1)


@pytest.mark.parametrize("spelled", ["+15550100010", "15550100010"])
async def test_a_carrier_that_leaves_the_plus_out_reaches_the_same_service(tmp_path: Path, spelled: str) -> None:
    sip = await holding(tmp_path, DIRECT_LINES)
    rule = sip.called(spelled)
    assert rule is not None
    assert [agent.agent_name for agent in rule.room_config.agents] == ["billing"]


# --- the difference ------------------------------------------------------------------------------------------------------
async def test_on_an_empty_livekit_everything_is_created(tmp_path: Path) -> None:
    found = await planned(FakeSip(), tmp_path, TWO_CARRIERS)
    assert set(verbs(found).values()) == {Verb.CREATE}
    assert shown(found).endswith("7 to create, 0 to change, 0 to remove, 0 unchanged")


async def test_when_it_is_there_there_is_nothing_to_do(tmp_path: Path) -> None:
    found = await planned(await holding(tmp_path, TWO_CARRIERS), tmp_path, TWO_CARRIERS)
    assert found.in_order == ()
    assert shown(found).endswith(NOTHING_TO_DO)


async def test_a_change_is_told_field_by_field_old_and_new(tmp_path: Path) -> None:
    sip = await holding(tmp_path, DIRECT_LINES)
    text = DIRECT_LINES.replace("+15550100010: billing", "+15550100010: sales").replace(
        "203.0.113.0/24", "198.51.100.7"
    )
    told = shown(await planned(sip, tmp_path, text))
    assert "    service: billing -> sales" in told
    assert told.count("    allowed_addresses: 203.0.113.0/24 -> 198.51.100.7") == 3
    assert told.endswith("0 to create, 4 to change, 0 to remove, 2 unchanged")


async def test_the_order_in_which_addresses_and_numbers_stand_is_no_difference(tmp_path: Path) -> None:
    sip = await holding(tmp_path, phone_files.SWAPPED)
    text = phone_files.SWAPPED.replace("[198.51.100.0/24, 203.0.113.0/24]", "[203.0.113.0/24, 198.51.100.0/24]")
    assert (await planned(sip, tmp_path, text)).in_order == ()


async def test_what_was_changed_by_hand_is_told_and_changed_back(tmp_path: Path) -> None:
    sip = await holding(tmp_path, SMALL)
    (rule,) = sip.rules.values()
    rule.rule.CopyFrom(SIPDispatchRule(dispatch_rule_direct=SIPDispatchRuleDirect(room_name="meeting", pin="4711")))
    found = await planned(sip, tmp_path, SMALL)
    assert "    room: dispatch_rule_direct -> one per call, call-" in shown(found)
    assert "4711" not in shown(found)


async def test_what_the_file_has_no_word_for_stays_as_somebody_set_it(tmp_path: Path) -> None:
    sip = await holding(tmp_path, SMALL)
    (trunk,) = sip.trunks.values()
    trunk.headers_to_attributes["X-Tenant"] = "tenant"
    assert (await planned(sip, tmp_path, SMALL)).in_order == ()
    await apply(await planned(sip, tmp_path, SMALL.replace("203.0.113.0/24", "198.51.100.7")), sip, nobody)
    (trunk,) = sip.trunks.values()
    assert trunk.headers_to_attributes == {"X-Tenant": "tenant"}
    assert list(trunk.allowed_addresses) == ["198.51.100.7"]


# --- whose is it -----------------------------------------------------------------------------------------------------------
async def test_what_others_made_is_in_no_plan(tmp_path: Path) -> None:
    sip = FakeSip()
    sip.trunks["ST_9"] = SIPInboundTrunkInfo(sip_trunk_id="ST_9", name="theirs", numbers=["+15550109999"])
    sip.rules["SDR_9"] = SIPDispatchRuleInfo(sip_dispatch_rule_id="SDR_9", name="theirs", trunk_ids=["ST_9"])
    found = await planned(sip, tmp_path, SMALL)
    assert found.conflicts == ()
    assert "theirs" not in shown(found)
    assert {step.id for step in found.steps} == {""}


async def test_two_files_with_names_of_their_own_leave_each_other_alone(tmp_path: Path) -> None:
    sip = await holding(tmp_path, "name: staging\n" + SMALL.replace("+15550100000", "+15550100050"))
    found = await planned(sip, tmp_path, SMALL)
    assert verbs(found) == {"trunk +15550100000": Verb.CREATE, "rule +15550100000": Verb.CREATE}


@pytest.mark.parametrize("spelled", ["+15550100000", "15550100000", "+1 555-010-0000"])
async def test_anothers_trunk_with_a_number_of_ours_is_told_however_it_spells_it(tmp_path: Path, spelled: str) -> None:
    sip = FakeSip()
    sip.trunks["ST_9"] = SIPInboundTrunkInfo(sip_trunk_id="ST_9", name="theirs", numbers=["+15550109999", spelled])
    (conflict,) = (await planned(sip, tmp_path, SMALL)).conflicts
    assert conflict.startswith("trunk ST_9 (theirs) is not ours and holds +15550100000: ")


async def test_anothers_rule_that_would_take_our_calls_is_told(tmp_path: Path) -> None:
    sip = await holding(tmp_path, SMALL)
    sip.rules["SDR_9"] = SIPDispatchRuleInfo(sip_dispatch_rule_id="SDR_9", trunk_ids=list(sip.trunks))
    (conflict,) = (await planned(sip, tmp_path, SMALL)).conflicts
    assert conflict.startswith("rule SDR_9 (without a name) is not ours")


async def test_of_two_records_that_two_of_us_made_at_one_time_one_goes(tmp_path: Path) -> None:
    sip = await holding(tmp_path, phone_files.OUTBOUND_ALONE)
    ((id_, first),) = sip.outbound.items()
    second = type(first).FromString(first.SerializeToString())
    second.sip_trunk_id = "ST_999"
    sip.outbound["ST_999"] = second
    await apply(await planned(sip, tmp_path, phone_files.OUTBOUND_ALONE), sip, nobody)
    assert list(sip.outbound) == [id_]


# --- secrets ---------------------------------------------------------------------------------------------------------------
async def test_no_secret_is_in_what_is_shown_or_in_the_plan_itself(tmp_path: Path) -> None:
    sip = await holding(tmp_path, TWO_CARRIERS)
    changed = TWO_CARRIERS.replace("password_env: CARRIER_PASSWORD", "password_env: OTHER_PASSWORD")
    added = await planned(FakeSip(), tmp_path, TWO_CARRIERS)
    found = await planned(sip, tmp_path, changed)
    gone = await planned(sip, tmp_path, SMALL)
    assert "    password: set -> another one" in shown(found)
    assert "    password: set" in shown(added)
    told = "".join(shown(one) + repr(one) for one in (added, found, gone)) + repr(await ask(sip))
    assert not any(secret in told for secret in phone_files.VARIABLES.values())
