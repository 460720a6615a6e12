"""Applying a plan: once is enough, from anywhere to anywhere, and no number that stays goes unanswered meanwhile."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from livekit.api import ServerError, SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo

from gateway.phone.apply import apply
from gateway.phone.config import PhoneConfig
from gateway.phone.plan import ask, plan
from gateway.tests import phone_files
from gateway.tests.fake_sip import FakeSip
from gateway.tests.phone_files import DIRECT_LINES, SMALL, SWAPPED, TWO_CARRIERS, config_of

ALL = phone_files.ALL


async def made_so(sip: FakeSip, config: PhoneConfig) -> list[str]:
    """What was told."""
    told: list[str] = []
    await apply(plan(config, await ask(sip)), sip, told.append)
    return told


def answers(config: PhoneConfig) -> dict[str, str]:
    return {line.number: line.service for carrier in config.inbound for line in carrier.lines}


# --- once is enough --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ALL)
async def test_a_second_apply_has_nothing_to_do(tmp_path: Path, name: str) -> None:
    sip, config = FakeSip(), config_of(tmp_path, ALL[name])
    assert await made_so(sip, config)
    before = len(sip.done)
    assert await made_so(sip, config) == []
    assert len(sip.done) == before
    assert sip.who_answers() == answers(config)


@pytest.mark.parametrize(("old", "new"), list(permutations(ALL, 2)))
async def test_from_any_file_to_any_other_and_every_number_that_stays_is_answered_throughout(
    tmp_path: Path, old: str, new: str
) -> None:
    sip, before, after = FakeSip(), config_of(tmp_path, ALL[old]), config_of(tmp_path, ALL[new])
    await made_so(sip, before)
    sip.answered.clear()
    await made_so(sip, after)
    assert plan(after, await ask(sip)).in_order == ()
    assert sip.who_answers() == answers(after)
    for number in answers(before).keys() & answers(after).keys():
        allowed = {answers(before)[number], answers(after)[number]}
        assert {moment.get(number) for moment in sip.answered} <= allowed, number


@pytest.mark.parametrize("done", range(7))
async def test_one_that_failed_half_way_is_finished_by_the_next(tmp_path: Path, done: int) -> None:
    sip, config = FakeSip(), config_of(tmp_path, TWO_CARRIERS)
    sip.fails_after = done
    with pytest.raises(ServerError):
        await made_so(sip, config)
    sip.fails_after = None
    await made_so(sip, config)
    assert sip.who_answers() == answers(config)
    assert len(sip.done) == 7, "nothing was made twice"


# --- in which order ----------------------------------------------------------------------------------------------------------
async def test_a_rule_comes_at_once_after_its_trunk(tmp_path: Path) -> None:
    sip = FakeSip()
    told = await made_so(sip, config_of(tmp_path, DIRECT_LINES))
    numbers = ("+15550100000", "+15550100010", "+15550100020")
    assert sip.done == [f"create {kind} {number}" for number in numbers for kind in ("trunk", "rule")]
    assert told[0] == "created trunk +15550100000 (ST_001)"


async def test_what_is_there_changes_where_it_stands_and_what_goes_goes_last(tmp_path: Path) -> None:
    sip = FakeSip()
    await made_so(sip, config_of(tmp_path, DIRECT_LINES))
    ids, before = set(sip.trunks) | set(sip.rules), len(sip.done)
    new = SWAPPED.replace("+15550100000: billing", "+15550100000: billing\n      +15550100030: escalation")
    await made_so(sip, config_of(tmp_path, new))
    assert sip.done[before:] == [
        "change trunk +15550100010",
        "change trunk +15550100000",
        "change rule +15550100010",
        "change rule +15550100000",
        "create trunk +15550100030",
        "create rule +15550100030",
        "remove trunk +15550100020",
        "remove rule +15550100020",
    ]
    assert len(ids & (set(sip.trunks) | set(sip.rules))) == 4


async def test_a_trunk_that_somebody_removed_is_made_again_and_its_rule_led_to_it(tmp_path: Path) -> None:
    sip, config = FakeSip(), config_of(tmp_path, SMALL)
    await made_so(sip, config)
    sip.trunks.clear()
    before = len(sip.done)
    await made_so(sip, config)
    assert sip.done[before:] == ["create trunk +15550100000", "change rule +15550100000"]
    assert sip.who_answers() == answers(config)


async def test_a_number_that_was_put_into_another_of_our_trunks_by_hand_is_taken_out_of_it_first(
    tmp_path: Path,
) -> None:
    sip = FakeSip()
    await made_so(sip, config_of(tmp_path, SMALL))
    (trunk,) = sip.trunks.values()
    trunk.numbers.append("+15550100010")
    config = config_of(tmp_path, DIRECT_LINES)
    await made_so(sip, config)
    assert sip.who_answers() == answers(config)


# --- what is not ours ----------------------------------------------------------------------------------------------------------
async def test_what_others_made_is_the_same_afterwards(tmp_path: Path) -> None:
    sip = FakeSip()
    trunk = SIPInboundTrunkInfo(
        sip_trunk_id="ST_T", name="theirs", numbers=["+15550109999"], auth_password="theirs too"
    )
    outbound = SIPOutboundTrunkInfo(sip_trunk_id="ST_U", name="voicemesh", address="a", numbers=["+15550109999"])
    rule = SIPDispatchRuleInfo(sip_dispatch_rule_id="SDR_T", name="voicemesh/other/+15550109999", trunk_ids=["ST_T"])
    sip.trunks["ST_T"], sip.outbound["ST_U"], sip.rules["SDR_T"] = trunk, outbound, rule
    before = [record.SerializeToString() for record in (trunk, outbound, rule)]
    for text in (TWO_CARRIERS, SMALL, phone_files.OUTBOUND_ALONE):
        await made_so(sip, config_of(tmp_path, text))
    after = (sip.trunks["ST_T"], sip.outbound["ST_U"], sip.rules["SDR_T"])
    assert [record.SerializeToString() for record in after] == before
