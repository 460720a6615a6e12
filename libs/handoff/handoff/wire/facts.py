"""Facts on the wire: in the typed group of the call's intent where they have a field there, by name where not."""

from __future__ import annotations

from handoff.call import Fact, Source
from handoff.errors import InvalidContext
from handoff.v1 import call_pb2
from handoff.wire.form import EnumTable, time_from_wire, time_to_wire

_SOURCE = EnumTable(Source, call_pb2.Source, "SOURCE")
_GROUPS = frozenset(field.name for field in call_pb2.ExtractedInfo.DESCRIPTOR.oneofs_by_name["typed"].fields)


def facts_to_wire(facts: tuple[Fact, ...], intent: str) -> call_pb2.ExtractedInfo:
    """The proto's field names decide which facts have a place of their own; of several in one place the best gets it."""
    info = call_pb2.ExtractedInfo()
    group = getattr(info, intent) if intent in _GROUPS else None
    places = group.DESCRIPTOR.fields_by_name if group is not None else {}
    best: dict[str, int] = {}
    for position, fact in enumerate(facts):
        if fact.verified or fact.name not in best or not facts[best[fact.name]].verified:
            best[fact.name] = position
    for position, fact in enumerate(facts):
        message = call_pb2.Fact(
            value=fact.value,
            source=_SOURCE.to_wire(fact.source),
            verified=fact.verified,
            learned_at=time_to_wire(fact.learned_at),
            position=position,
            service=fact.service,
        )
        if fact.name in places and places[fact.name].is_repeated:
            getattr(group, fact.name).append(message)
        elif fact.name in places and best[fact.name] == position:
            getattr(group, fact.name).CopyFrom(message)
        else:
            info.other.append(call_pb2.NamedFact(name=fact.name, fact=message))
    return info


def facts_from_wire(info: call_pb2.ExtractedInfo) -> tuple[Fact, ...]:
    found = [(named.name, named.fact) for named in info.other]
    if typed := info.WhichOneof("typed"):
        for field, value in getattr(info, typed).ListFields():
            found += [(field.name, fact) for fact in (value if field.is_repeated else [value])]
    found.sort(key=lambda pair: pair[1].position)
    return tuple(_fact_from_wire(name, message) for name, message in found)


def _fact_from_wire(name: str, message: call_pb2.Fact) -> Fact:
    if not name:
        raise InvalidContext("a fact has no name")
    source = _SOURCE.from_wire(message.source)
    if message.verified and source is not Source.TOOL:
        raise InvalidContext("a fact says it is verified, but no tool returned it")
    return Fact(name, message.value, source, time_from_wire(message, "learned_at"), message.verified, message.service)
