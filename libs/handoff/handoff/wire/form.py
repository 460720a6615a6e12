"""What every message is made of: enum values, times, and the checks of form."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from handoff.context import MAX_BYTES
from handoff.errors import InvalidContext, WireMismatch

_NANOS = 10**9
# Range of google.protobuf.Timestamp: years 1 to 9999.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799


class _Names(Protocol):
    """What a generated enum offers."""

    def Value(self, name: str) -> int: ...


E = TypeVar("E", bound=StrEnum)


class EnumTable(Generic[E]):
    """A domain enum beside its wire twin, whose values bear the same names after a prefix."""

    def __init__(self, domain: type[E], wire: _Names, prefix: str) -> None:
        self._name = domain.__name__
        self._to = {member: f"{prefix}_{member.name}" for member in domain}
        self._from = {wire.Value(name): member for member, name in self._to.items()}

    def to_wire(self, member: E) -> str:
        """The value's name, which every generated constructor takes."""
        return self._to[member]

    def knows(self, number: int) -> bool:
        """Whether the value is one of this version's."""
        return number in self._from

    def from_wire(self, number: int) -> E:
        """Raises WireMismatch for a value that is unspecified, or of a newer contract."""
        try:
            return self._from[number]
        except KeyError:
            raise WireMismatch(f"{self._name} has no value {number} in this version of the contract") from None


def time_to_wire(at: float) -> Timestamp:
    """Exact to the nanosecond; raises ValueError outside the years 1 to 9999."""
    seconds, nanos = divmod(round(Fraction(at) * _NANOS), _NANOS)
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise ValueError("time out of range")
    return Timestamp(seconds=seconds, nanos=nanos)


def time_from_wire(message: Message, field: str) -> float:
    require_messages(message, field)
    time: Timestamp = getattr(message, field)
    if not (_FIRST_SECOND <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < _NANOS):
        raise InvalidContext(f"{message.DESCRIPTOR.name}.{field} is no time")
    # One division of whole numbers is rounded once: what a float put in comes out as it was.
    return (time.seconds * _NANOS + time.nanos) / _NANOS


def require(message: Message, *fields: str) -> None:
    for field in fields:
        if not getattr(message, field):
            raise InvalidContext(f"{message.DESCRIPTOR.name}.{field} is missing")


def require_messages(message: Message, *fields: str) -> None:
    for field in fields:
        if not message.HasField(field):
            raise InvalidContext(f"{message.DESCRIPTOR.name}.{field} is missing")


def check_range(message: Message, field: str, low: float, high: float) -> None:
    # Written so that NaN fails.
    if not low <= getattr(message, field) <= high:
        raise InvalidContext(f"{message.DESCRIPTOR.name}.{field} is not between {low} and {high}")


def check_size(message: Message) -> None:
    if (size := message.ByteSize()) > MAX_BYTES:
        raise InvalidContext(f"the context has {size} bytes, at most {MAX_BYTES} may cross")
