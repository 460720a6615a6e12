"""While a deploy rolls, workers of two releases serve side by side and share one Redis: see other_release.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import grpc
import grpc.aio
import pytest
from handoff import wire
from handoff.call import Attempt, Ending, Mood, Sentiment, Source
from handoff.context import HandoffContext
from handoff.errors import WireMismatch
from handoff.giver import PoolStatus
from handoff.keys import PLAIN as keys
from handoff.lifecycle import State
from handoff.outcome import Accepted, Declined, Outcome, Refusal
from handoff.record import unpack_context
from handoff.testing import START, make_call, make_context, make_fact, make_intent
from store_steps import LEASE, stored_handoff, taken
from worker.handover.transfer import Stayed
from worker.testing.transfer import Stage, WillingTaker

from tests.integration.other_release import (
    NEWS,
    Ours,
    Peer,
    Release,
    first_release,
    full_context,
    giver_of,
    is_serving,
    next_release,
    ours_over,
    understood,
)

OTHERS = {"first": first_release, "next": next_release}


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture(params=OTHERS)
def release(request: pytest.FixtureRequest) -> Release:
    return OTHERS[request.param]()


@pytest.fixture
async def peer(release: Release, closing: AsyncExitStack) -> Peer:
    return await Peer(release).start(closing)


@pytest.fixture
async def ours(redis_url: str, closing: AsyncExitStack) -> Ours:
    return await ours_over(redis_url, closing)


# --- the contract itself ----------------------------------------------------------------------------------------------


def test_each_release_keeps_every_field_of_the_one_before_it() -> None:
    fields = []
    for release in (first_release(), next_release()):
        kinds = (release.pool.FindMessageTypeByName(name) for name in release.kinds)
        fields.append({(f.full_name, f.number, f.type, f.is_repeated) for kind in kinds for f in kind.fields})
    assert fields[0] < fields[1]


# --- today's giver, another release's taker ---------------------------------------------------------------------------


async def test_a_taker_of_another_release_accepts_and_understands_all_that_it_knows(
    peer: Peer, closing: AsyncExitStack
) -> None:
    context = full_context()
    outcome = await giver_of(closing, peer).offer(context, "billing")
    assert outcome == Accepted("h1", "billing", version=peer.release.name)
    assert peer.heard[0].to_service == "billing"
    assert understood(peer.heard[0].context) == peer.release.knows(context)


async def test_a_handoff_is_followed_through_every_state_at_another_release(
    peer: Peer, closing: AsyncExitStack
) -> None:
    steps, seen = [State.ACCEPTED, State.DISPATCHED, State.READY, State.TAKEN, State.SPOKEN], []
    peer.states.put_nowait(steps[0].name)
    async for update in giver_of(closing, peer).watch("h1", "billing"):
        seen.append(update.state)
        assert update.moved_at == {state: START + place for place, state in enumerate(seen)}
        assert update.taker_id == "billing-h1"
        for state in steps[len(seen) : len(seen) + 1]:
            peer.states.put_nowait(state.name)
    assert seen == steps


async def test_an_offer_is_withdrawn_from_another_release(peer: Peer, closing: AsyncExitStack) -> None:
    giver = giver_of(closing, peer)
    await giver.offer(full_context(), "billing")
    await giver.withdraw("h1", "billing", "caller_left")
    assert (peer.heard[-1].handoff_id, peer.heard[-1].reason) == ("h1", "caller_left")
    assert [update.state async for update in giver.watch("h1", "billing")] == [State.WITHDRAWN]


async def test_another_release_tells_its_room_and_its_health(peer: Peer, closing: AsyncExitStack) -> None:
    room = PoolStatus("billing", capacity=4, active=1, draining=False, version=peer.release.name)
    assert await giver_of(closing, peer).pool("billing") == room
    assert await is_serving(await closing.enter_async_context(grpc.aio.insecure_channel(peer.address)))


@pytest.mark.parametrize(("full", "free"), [("first", "next"), ("next", "first")])
async def test_a_full_worker_of_one_release_is_followed_by_one_of_another(
    closing: AsyncExitStack, full: str, free: str
) -> None:
    workers = [await Peer(OTHERS[name]()).start(closing) for name in (full, free)]
    workers[0].refusal = "REFUSAL_AT_CAPACITY"
    giver = giver_of(closing, *workers)
    assert await giver.offer(full_context(), "billing") == Accepted("h1", "billing", version=free)
    assert [len(worker.heard) for worker in workers] == [1, 1]
    assert await giver.pool("billing") == PoolStatus("billing", capacity=8, active=2, draining=False, version=full)


# --- another release's giver, today's taker ---------------------------------------------------------------------------


async def test_an_offer_of_another_release_is_accepted_and_well_recorded(release: Release, ours: Ours) -> None:
    context = full_context(now=await ours.store.now())
    answer = await release.ask(ours.channel, "Offer", release.offer(context))
    assert answer.handoff_id == "h1"
    assert (answer.accepted.agent_name, answer.accepted.version) == ("billing", "today")
    stored = await stored_handoff(ours.store, "h1")
    assert stored.context == release.knows(context)
    assert (stored.state, stored.from_service, stored.to_service) == (State.ACCEPTED, "triage", "billing")
    assert ours.places.kept == ["h1"]
    record = await ours.redis.hget(keys.handoff("h1"), "context")
    assert NEWS not in record
    assert unpack_context(record) == stored.context


async def test_a_giver_of_another_release_offers_again_follows_and_withdraws(release: Release, ours: Ours) -> None:
    offer = release.offer(full_context(now=await ours.store.now()))
    for _ in range(2):
        assert (await release.ask(ours.channel, "Offer", offer)).HasField("accepted")
    watch = aiter(release.ask(ours.channel, "Watch", release.make("WatchRequest", handoff_id="h1")))
    states = release.pool.FindEnumTypeByName("handoff.v1.HandoffState").values_by_number
    assert states[(await anext(watch)).state].name == "HANDOFF_STATE_ACCEPTED"
    await ours.store.move("h1", State.READY, taker_id="billing-h1")
    update = await anext(watch)
    assert (states[update.state].name, update.taker_id) == ("HANDOFF_STATE_READY", "billing-h1")
    withdrawal = release.make("WithdrawRequest", handoff_id="h1", reason="caller_left")
    answer = await release.ask(ours.channel, "Withdraw", withdrawal)
    assert states[answer.state].name == "HANDOFF_STATE_WITHDRAWN"
    *_, last = [(states[update.state].name, update.reason) async for update in watch]
    assert last == ("HANDOFF_STATE_WITHDRAWN", "caller_left")
    assert ours.places.kept == []


async def test_another_release_reads_our_room_and_our_health(release: Release, ours: Ours) -> None:
    room = await release.ask(ours.channel, "Pool", release.make("PoolRequest"))
    assert (room.service, room.capacity, room.active, room.draining) == ("billing", 2, 0, False)
    assert room.version == "today"
    assert await is_serving(ours.channel)


async def test_a_context_of_the_next_release_is_handed_on_whole(ours: Ours, closing: AsyncExitStack) -> None:
    release, context = next_release(), full_context(now=await ours.store.now())
    await release.ask(ours.channel, "Offer", release.offer(context))
    onward = replace((await stored_handoff(ours.store, "h1")).context, handoff_id="h2")
    peer = await Peer(release).start(closing)
    assert isinstance(await giver_of(closing, peer).offer(onward, "billing"), Accepted)
    assert understood(peer.heard[0].context) == replace(context, handoff_id="h2")


# --- words that only the next release knows ---------------------------------------------------------------------------


async def test_an_unknown_refusal_is_a_mismatch_and_the_caller_stays(closing: AsyncExitStack) -> None:
    peer = await Peer(next_release(), refusal="REFUSAL_NEW").start(closing)
    giver = giver_of(closing, peer)
    with pytest.raises(WireMismatch, match="Refusal has no value"):
        await giver.offer(full_context(), "billing")

    class OverTheWire(WillingTaker):
        async def answer(self, context: HandoffContext, to_service: str) -> Outcome:
            return await giver.offer(context, to_service)

    stage = Stage(OverTheWire())
    assert await stage.hand_over() == Stayed("WireMismatch")
    assert await stage.floor() == "triage at 1"
    assert isinstance(await giver.pool("billing"), PoolStatus)


async def test_a_worker_that_answers_in_unknown_words_is_passed_over(ours: Ours, closing: AsyncExitStack) -> None:
    peer = await Peer(next_release(), refusal="REFUSAL_NEW").start(closing)
    giver = giver_of(closing, peer, ours)
    context = full_context(now=await ours.store.now())
    assert isinstance(await giver.offer(context, "billing"), Accepted)
    assert peer.heard, "it was asked first"


async def test_an_unknown_state_ends_a_watch_as_a_mismatch(closing: AsyncExitStack) -> None:
    peer = await Peer(next_release()).start(closing)
    watch = giver_of(closing, peer).watch("h1", "billing")
    for state in ("ACCEPTED", "NEW"):
        peer.states.put_nowait(state)
    assert (await anext(watch)).state is State.ACCEPTED
    with pytest.raises(WireMismatch, match="State has no value"):
        await anext(watch)


async def test_an_unknown_state_that_a_watched_handoff_has_left_is_passed_over(closing: AsyncExitStack) -> None:
    peer = await Peer(next_release()).start(closing)
    peer.states.put_nowait("ACCEPTED NEW READY")
    update = await anext(giver_of(closing, peer).watch("h1", "billing"))
    assert (update.state, list(update.moved_at)) == (State.READY, [State.ACCEPTED, State.READY])


async def test_a_context_with_an_unknown_role_is_declined_and_keeps_no_place(ours: Ours) -> None:
    release = next_release()
    offer = release.offer(full_context(now=await ours.store.now()))
    offer.context.conversation_history[0].role = release.pool.FindEnumTypeByName("handoff.v1.Role").values[-1].number
    answer = await release.ask(ours.channel, "Offer", offer)
    outcome = wire.outcome_from_wire(wire.OfferResponse.FromString(answer.SerializeToString()), "h1")
    assert isinstance(outcome, Declined)
    assert outcome.reason is Refusal.INVALID
    assert ours.places.kept == []
    assert await ours.store.load_handoff("h1") is None


# --- records in Redis -------------------------------------------------------------------------------------------------


async def test_records_of_the_first_release_are_read(ours: Ours) -> None:
    await ours.plant_first_records()
    call, handoff = await ours.store.load_call("call-1"), await stored_handoff(ours.store)
    assert call is not None
    known = make_call(
        language="en-GB",
        display_name="Ada Quill",
        intent=make_intent(),
        sentiment=Sentiment(Mood.NEGATIVE, -0.4, -0.1),
        facts=(make_fact(source=Source.TOOL, verified=True), make_fact("date", "March")),
        attempts=(Attempt("sales", "offer", "at_capacity", START),),
        services=("triage",),
        effects=("process_refund RF-1042 49.99",),
    )
    assert call == replace(known, handoff_ids=("handoff-1",))
    times = {"created_at": START, "expires_at": handoff.context.expires_at}
    assert handoff.context == make_context(call=known, effects=(), **times)
    assert (handoff.state, handoff.from_service, handoff.to_service) == (State.READY, "triage", "billing")
    assert list(handoff.moved_at) == [State.OFFERED, State.ACCEPTED, State.DISPATCHED, State.READY]
    assert handoff.taker_id == "billing-1"


async def test_a_call_that_the_first_release_began_is_taken_and_ended_by_todays(ours: Ours) -> None:
    await ours.plant_first_records()
    floor = await ours.store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
    assert (floor.service, floor.agent_id, floor.epoch) == ("billing", "billing-1", 2)
    await ours.store.move("handoff-1", State.SPOKEN)
    call = await ours.store.load_call("call-1")
    assert call is not None
    assert await ours.store.live_calls() == ("call-1",)
    await ours.store.checkpoint(replace(call, pending_intents=(make_intent("sales"),)), epoch=2)
    ended = await ours.store.end_call("call-1", epoch=2, ending=Ending.RESOLVED)
    assert ended.pending_intents == (make_intent("sales"),)
    (line,) = await ours.store.endings()
    assert (line.call_id, line.ending, line.services) == ("call-1", Ending.RESOLVED, ("triage", "billing"))


async def test_records_of_the_next_release_are_read_and_survive_our_checkpoint(ours: Ours) -> None:
    await taken(ours.store)
    call, handoff = await ours.store.load_call("call-1"), await stored_handoff(ours.store)
    assert call is not None
    await ours.add_news(keys.call("call-1"), "record")
    await ours.add_news(keys.handoff("handoff-1"), "context")
    assert await ours.store.load_call("call-1") == call
    assert await stored_handoff(ours.store) == handoff
    later = replace(call, effects=("process_refund RF-1042 49.99",))
    await ours.store.checkpoint(later, epoch=2)
    assert await ours.store.load_call("call-1") == later
    assert (await ours.store.move("handoff-1", State.SPOKEN)).context == handoff.context
    assert await ours.redis.hget(keys.call("call-1"), "novelty") == NEWS


async def test_an_unknown_state_that_a_stored_handoff_has_left_does_not_hide_it(ours: Ours) -> None:
    await taken(ours.store)
    handoff = await stored_handoff(ours.store)
    await ours.redis.hset(keys.handoff("handoff-1"), "at:new", str(START))
    assert await stored_handoff(ours.store) == handoff


async def test_an_offer_that_the_first_release_accepted_unheard_is_accepted_by_the_next_worker(ours: Ours) -> None:
    await ours.plant_first_records()
    stored = (await stored_handoff(ours.store)).context
    # That release drops what it does not know, and facts that billing was not yet given.
    facts = (*(replace(fact, service="triage") for fact in stored.facts), make_fact("ticket_id", "T-1"))
    context = replace(stored, facts=facts, pending_intents=(make_intent("sales"),), effects=("open_ticket T-1",))
    request = wire.OfferRequest(to_service="billing", context=wire.to_wire(context))
    answer = await wire.HandoffServiceStub(ours.channel).Offer(request)
    assert isinstance(wire.outcome_from_wire(answer, "handoff-1"), Accepted)
