from handoff.v1 import handoff_pb2 as _handoff_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OfferRequest(_message.Message):
    __slots__ = ("to_service", "context")
    TO_SERVICE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    to_service: str
    context: _handoff_pb2.HandoffContext
    def __init__(self, to_service: _Optional[str] = ..., context: _Optional[_Union[_handoff_pb2.HandoffContext, _Mapping]] = ...) -> None: ...

class OfferResponse(_message.Message):
    __slots__ = ("handoff_id", "accepted", "declined")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DECLINED_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    accepted: _handoff_pb2.Accepted
    declined: _handoff_pb2.Declined
    def __init__(self, handoff_id: _Optional[str] = ..., accepted: _Optional[_Union[_handoff_pb2.Accepted, _Mapping]] = ..., declined: _Optional[_Union[_handoff_pb2.Declined, _Mapping]] = ...) -> None: ...

class WithdrawRequest(_message.Message):
    __slots__ = ("handoff_id", "reason")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    reason: str
    def __init__(self, handoff_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WithdrawResponse(_message.Message):
    __slots__ = ("handoff_id", "state")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    state: _handoff_pb2.HandoffState
    def __init__(self, handoff_id: _Optional[str] = ..., state: _Optional[_Union[_handoff_pb2.HandoffState, str]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("handoff_id",)
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    def __init__(self, handoff_id: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("handoff_id", "state", "steps", "taker_id", "reason")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TAKER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    state: _handoff_pb2.HandoffState
    steps: _containers.RepeatedCompositeFieldContainer[_handoff_pb2.Step]
    taker_id: str
    reason: str
    def __init__(self, handoff_id: _Optional[str] = ..., state: _Optional[_Union[_handoff_pb2.HandoffState, str]] = ..., steps: _Optional[_Iterable[_Union[_handoff_pb2.Step, _Mapping]]] = ..., taker_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PoolRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PoolResponse(_message.Message):
    __slots__ = ("service", "capacity", "active", "draining", "version")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    service: str
    capacity: int
    active: int
    draining: bool
    version: str
    def __init__(self, service: _Optional[str] = ..., capacity: _Optional[int] = ..., active: _Optional[int] = ..., draining: _Optional[bool] = ..., version: _Optional[str] = ...) -> None: ...
