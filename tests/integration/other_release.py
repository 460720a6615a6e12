"""Peers of another release of the handoff contract: they read and write with their own descriptors, over real gRPC.

``releases/first.binpb`` is the contract of the first release of handoff.v1, made in that release's ``proto`` folder by
``python -m grpc_tools.protoc -I. --include_imports --descriptor_set_out=first.binpb handoff/v1/*.proto``. The JSON
files beside it are the hashes of a call and of a handoff that is READY, as that release's store left them in Redis.

The next release is today's with more fields in each message and one more value in each enum.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from handoff import wire
from handoff.call import Attempt, Mood, Sentiment, Source
from handoff.context import HandoffContext
from handoff.giver import Giver
from handoff.keys import PLAIN as keys
from handoff.redis_store import RedisStore
from handoff.taker import Taker, serve
from handoff.testing import START, make_context, make_fact, make_intent
from handoff.v1 import call_pb2, handoff_pb2, handoff_service_pb2
from redis.asyncio import Redis

from tests.integration.billing_service import PATIENT_SECONDS, Places

NEWS = "what only the next release knows"
_RELEASES = Path(__file__).parent / "releases"
_TODAY = (call_pb2, handoff_pb2, handoff_service_pb2)


class Release:
    """A release of the contract by its own descriptors: it shares no class with the generated code."""

    def __init__(self, name: str, files: descriptor_pb2.FileDescriptorSet) -> None:
        self.name = name
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.AddSerializedFile(file.SerializeToString())
        self.service: Any = self.pool.FindServiceByName(wire.SERVICE_NAME)
        self.kinds = [
            kind.full_name for file in files.file if file.package == "handoff.v1" for kind in self._kinds(file)
        ]

    def _kinds(self, file: descriptor_pb2.FileDescriptorProto) -> list[Any]:
        return list(self.pool.FindFileByName(file.name).message_types_by_name.values())

    def make(self, kind: str, **values: Any) -> Any:
        """A message of this release; one of the next has its news in every part."""
        made = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"handoff.v1.{kind}"))(**values)
        return _with_news(made) if self.name == "next" else made

    def offer(self, context: HandoffContext) -> Any:
        """The request that this release's giver would send."""
        ours = wire.OfferRequest(to_service="billing", context=wire.to_wire(context))
        theirs = self.make("OfferRequest")
        theirs.MergeFromString(ours.SerializeToString())
        theirs.DiscardUnknownFields()
        return _with_news(theirs) if self.name == "next" else theirs

    def knows(self, context: HandoffContext) -> HandoffContext:
        """What is left of a context that went through this release."""
        if self.name == "next":
            return context
        facts = tuple(replace(fact, service="") for fact in context.facts)
        return replace(context, facts=facts, pending_intents=(), effects=())

    def ask(self, channel: grpc.aio.Channel, method: str, request: Any) -> Any:
        """A request of this release's giver: await the answer, or iterate over the answers."""
        asked = self.service.methods_by_name[method]
        way = channel.unary_stream if asked.server_streaming else channel.unary_unary
        answer = message_factory.GetMessageClass(asked.output_type)
        path = f"/{self.service.full_name}/{method}"
        return way(path, _bytes, answer.FromString)(request, timeout=PATIENT_SECONDS)


def understood(context: Any) -> HandoffContext:
    """What another release read, as our dataclass: nothing of what it only carries along, unknown to it."""
    known = type(context)()
    known.CopyFrom(context)
    known.DiscardUnknownFields()
    return wire.from_wire(handoff_pb2.HandoffContext.FromString(known.SerializeToString()))


def first_release() -> Release:
    """The oldest that may still serve."""
    stored = (_RELEASES / "first.binpb").read_bytes()
    return Release("first", descriptor_pb2.FileDescriptorSet.FromString(stored))


def next_release() -> Release:
    """Today's, grown."""
    files = descriptor_pb2.FileDescriptorSet()
    for module in (timestamp_pb2, *_TODAY):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    text, part = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    for file in files.file[1:]:
        for message in file.message_type:
            free = max((each.number for each in message.field), default=0) + 1
            message.field.add(name="note", number=free, type=text, label=1)
            message.field.add(name="novelty", number=free + 1, type=part, type_name=".handoff.v1.Novelty", label=1)
        for enum in file.enum_type:
            prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
            enum.value.add(name=f"{prefix}NEW", number=max(value.number for value in enum.value) + 1)
    files.file[1].message_type.add(name="Novelty").field.add(name="words", number=1, type=text, label=1)
    files.file[3].dependency.append(files.file[1].name)
    return Release("next", files)


def _with_news(message: Any) -> Any:
    for part, value in message.ListFields():
        if part.message_type is not None and part.message_type.file.package == "handoff.v1":
            for each in value if part.is_repeated else [value]:
                _with_news(each)
    if message.DESCRIPTOR.name != "Novelty":
        message.note = message.novelty.words = NEWS
    return message


def _bytes(message: Any) -> bytes:
    sent: bytes = message.SerializeToString()
    return sent


@dataclass
class Peer:
    """A billing service of another release. It answers as it is told."""

    release: Release
    refusal: str = ""
    heard: list[Any] = field(default_factory=list)
    states: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """What its watcher is to see next: a state's name, with those before it that were passed unseen."""
    address: str = ""

    async def Offer(self, request: Any, rpc: Any) -> Any:
        self.heard.append(request)
        answer: dict[str, Any] = {"accepted": {"agent_name": "billing", "version": self.release.name}}
        if self.refusal:
            answer = {"declined": {"reason": self.refusal, "message": "no"}}
        return self.release.make("OfferResponse", handoff_id=request.context.handoff_id, **answer)

    async def Withdraw(self, request: Any, rpc: Any) -> Any:
        self.heard.append(request)
        self.states.put_nowait("WITHDRAWN")
        return self.release.make("WithdrawResponse", handoff_id=request.handoff_id, state="HANDOFF_STATE_WITHDRAWN")

    async def Watch(self, request: Any, rpc: Any) -> AsyncIterator[Any]:
        steps: list[dict[str, Any]] = []
        state = ""
        while state not in ("SPOKEN", "WITHDRAWN"):
            for state in (await self.states.get()).split():
                steps.append({"state": f"HANDOFF_STATE_{state}", "moved_at": {"seconds": int(START) + len(steps)}})
            now = {"state": steps[-1]["state"], "steps": steps, "taker_id": "billing-h1"}
            yield self.release.make("WatchResponse", handoff_id=request.handoff_id, **now)

    async def Pool(self, request: Any, rpc: Any) -> Any:
        room = {"capacity": 4, "active": 1}
        return self.release.make("PoolResponse", service="billing", version=self.release.name, **room)

    async def start(self, closing: AsyncExitStack) -> Peer:
        """Serves, with the health service beside it."""
        server, service = grpc.aio.server(), self.release.service
        methods = {name: self._handler(method) for name, method in service.methods_by_name.items()}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service.full_name, methods)])
        checks: Any = health.aio.HealthServicer()  # type: ignore[attr-defined]
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        await checks.set(service.full_name, health_pb2.HealthCheckResponse.SERVING)
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        closing.push_async_callback(server.stop, None)
        return self

    def _handler(self, method: Any) -> Any:
        kind: Callable[..., Any] = grpc.unary_unary_rpc_method_handler
        if method.server_streaming:
            kind = grpc.unary_stream_rpc_method_handler
        return kind(getattr(self, method.name), message_factory.GetMessageClass(method.input_type).FromString, _bytes)


def giver_of(closing: AsyncExitStack, *peers: Peer | Ours) -> Giver:
    """Today's giver, who knows these as billing's workers."""
    giver = Giver({"billing": [peer.address for peer in peers]}, offer_timeout_seconds=PATIENT_SECONDS)
    closing.push_async_callback(giver.aclose)
    return giver


@dataclass
class Ours:
    """Today's billing over the real Redis, a look into that Redis, and a line to the service."""

    store: RedisStore
    redis: Redis
    channel: grpc.aio.Channel
    places: Places
    address: str

    async def plant_first_records(self) -> None:
        """call-1, and handoff-1 of it, as the first release left them."""
        for name, key in (("call", keys.call("call-1")), ("handoff", keys.handoff("handoff-1"))):
            fields = json.loads((_RELEASES / f"first_{name}.json").read_text())
            await self.redis.hset(key, mapping=fields)
            await self.redis.expire(key, 300)

    async def add_news(self, key: str, text: str) -> None:
        """As if the next release had written the hash, and the JSON in its field ``text``."""
        stored = await self.redis.hget(key, text)
        grown = json.dumps(_grown(json.loads(stored or "")))
        await self.redis.hset(key, mapping={"novelty": NEWS, text: grown})


async def ours_over(redis_url: str, closing: AsyncExitStack) -> Ours:
    """It serves."""
    store = RedisStore.connect(redis_url, answer_timeout_seconds=PATIENT_SECONDS)
    closing.push_async_callback(store.aclose)
    redis = await closing.enter_async_context(Redis.from_url(redis_url, decode_responses=True))
    places = Places()
    listener = await serve(Taker("billing", "today", store=store, admission=places), host="127.0.0.1", port=0)
    closing.push_async_callback(listener.stop)
    channel = await closing.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{listener.port}"))
    return Ours(store, redis, channel, places, f"127.0.0.1:{listener.port}")


def _grown(value: Any) -> Any:
    """Every object of a record with more in it."""
    if isinstance(value, list):
        return [_grown(each) for each in value]
    if isinstance(value, dict):
        return {name: _grown(each) for name, each in value.items()} | {"note": NEWS, "novelty": {"words": NEWS}}
    return value


def full_context(handoff_id: str = "h1", *, now: float = START) -> HandoffContext:
    """Something in every field that crosses."""
    return make_context(
        handoff_id,
        now=now,
        facts=(
            make_fact(source=Source.TOOL, verified=True, service="triage"),
            make_fact("date", "March", service="triage"),
            make_fact("ticket_id", "T-1", service="technical"),
        ),
        sentiment=Sentiment(Mood.NEGATIVE, -0.4, -0.1),
        attempts=(Attempt("sales", "offer", "at_capacity", START),),
        services=("technical", "triage"),
        display_name="Ada Quill",
        pending_intents=(make_intent("sales"),),
        effects=("open_ticket T-1",),
    )


async def is_serving(channel: grpc.aio.Channel) -> bool:
    """What the health service says of the HandoffService."""
    request = health_pb2.HealthCheckRequest(service=wire.SERVICE_NAME)
    answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=PATIENT_SECONDS)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
