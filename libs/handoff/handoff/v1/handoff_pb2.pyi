import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from handoff.v1 import call_pb2 as _call_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HandoffState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HANDOFF_STATE_UNSPECIFIED: _ClassVar[HandoffState]
    HANDOFF_STATE_OFFERED: _ClassVar[HandoffState]
    HANDOFF_STATE_ACCEPTED: _ClassVar[HandoffState]
    HANDOFF_STATE_DISPATCHED: _ClassVar[HandoffState]
    HANDOFF_STATE_READY: _ClassVar[HandoffState]
    HANDOFF_STATE_TAKEN: _ClassVar[HandoffState]
    HANDOFF_STATE_SPOKEN: _ClassVar[HandoffState]
    HANDOFF_STATE_DECLINED: _ClassVar[HandoffState]
    HANDOFF_STATE_WITHDRAWN: _ClassVar[HandoffState]
    HANDOFF_STATE_EXPIRED: _ClassVar[HandoffState]
    HANDOFF_STATE_SUPERSEDED: _ClassVar[HandoffState]

class Refusal(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUSAL_UNSPECIFIED: _ClassVar[Refusal]
    REFUSAL_AT_CAPACITY: _ClassVar[Refusal]
    REFUSAL_DRAINING: _ClassVar[Refusal]
    REFUSAL_WRONG_SERVICE: _ClassVar[Refusal]
    REFUSAL_STALE: _ClassVar[Refusal]
    REFUSAL_HOP_LIMIT: _ClassVar[Refusal]
    REFUSAL_INVALID: _ClassVar[Refusal]
HANDOFF_STATE_UNSPECIFIED: HandoffState
HANDOFF_STATE_OFFERED: HandoffState
HANDOFF_STATE_ACCEPTED: HandoffState
HANDOFF_STATE_DISPATCHED: HandoffState
HANDOFF_STATE_READY: HandoffState
HANDOFF_STATE_TAKEN: HandoffState
HANDOFF_STATE_SPOKEN: HandoffState
HANDOFF_STATE_DECLINED: HandoffState
HANDOFF_STATE_WITHDRAWN: HandoffState
HANDOFF_STATE_EXPIRED: HandoffState
HANDOFF_STATE_SUPERSEDED: HandoffState
REFUSAL_UNSPECIFIED: Refusal
REFUSAL_AT_CAPACITY: Refusal
REFUSAL_DRAINING: Refusal
REFUSAL_WRONG_SERVICE: Refusal
REFUSAL_STALE: Refusal
REFUSAL_HOP_LIMIT: Refusal
REFUSAL_INVALID: Refusal

class HandoffContext(_message.Message):
    __slots__ = ("session_id", "handoff_id", "epoch", "created_at", "expires_at", "user_intent", "summary", "conversation_history", "extracted_info", "sentiment", "prior_attempts", "services", "language", "channel", "caller", "pending_intents", "effects")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    USER_INTENT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_HISTORY_FIELD_NUMBER: _ClassVar[int]
    EXTRACTED_INFO_FIELD_NUMBER: _ClassVar[int]
    SENTIMENT_FIELD_NUMBER: _ClassVar[int]
    PRIOR_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    PENDING_INTENTS_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    handoff_id: str
    epoch: int
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    user_intent: _call_pb2.Intent
    summary: str
    conversation_history: _containers.RepeatedCompositeFieldContainer[_call_pb2.Turn]
    extracted_info: _call_pb2.ExtractedInfo
    sentiment: _call_pb2.Sentiment
    prior_attempts: _containers.RepeatedCompositeFieldContainer[_call_pb2.Attempt]
    services: _containers.RepeatedScalarFieldContainer[str]
    language: str
    channel: _call_pb2.Channel
    caller: _call_pb2.Caller
    pending_intents: _containers.RepeatedCompositeFieldContainer[_call_pb2.Intent]
    effects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session_id: _Optional[str] = ..., handoff_id: _Optional[str] = ..., epoch: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., user_intent: _Optional[_Union[_call_pb2.Intent, _Mapping]] = ..., summary: _Optional[str] = ..., conversation_history: _Optional[_Iterable[_Union[_call_pb2.Turn, _Mapping]]] = ..., extracted_info: _Optional[_Union[_call_pb2.ExtractedInfo, _Mapping]] = ..., sentiment: _Optional[_Union[_call_pb2.Sentiment, _Mapping]] = ..., prior_attempts: _Optional[_Iterable[_Union[_call_pb2.Attempt, _Mapping]]] = ..., services: _Optional[_Iterable[str]] = ..., language: _Optional[str] = ..., channel: _Optional[_Union[_call_pb2.Channel, str]] = ..., caller: _Optional[_Union[_call_pb2.Caller, _Mapping]] = ..., pending_intents: _Optional[_Iterable[_Union[_call_pb2.Intent, _Mapping]]] = ..., effects: _Optional[_Iterable[str]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("state", "moved_at")
    STATE_FIELD_NUMBER: _ClassVar[int]
    MOVED_AT_FIELD_NUMBER: _ClassVar[int]
    state: HandoffState
    moved_at: _timestamp_pb2.Timestamp
    def __init__(self, state: _Optional[_Union[HandoffState, str]] = ..., moved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("agent_name", "version")
    AGENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    agent_name: str
    version: str
    def __init__(self, agent_name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class Declined(_message.Message):
    __slots__ = ("reason", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: Refusal
    message: str
    def __init__(self, reason: _Optional[_Union[Refusal, str]] = ..., message: _Optional[str] = ...) -> None: ...
