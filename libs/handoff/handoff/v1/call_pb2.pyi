import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_CALLER: _ClassVar[Role]
    ROLE_AGENT: _ClassVar[Role]

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_UNSPECIFIED: _ClassVar[Channel]
    CHANNEL_WEB: _ClassVar[Channel]
    CHANNEL_PHONE: _ClassVar[Channel]

class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_UNSPECIFIED: _ClassVar[Source]
    SOURCE_CALLER: _ClassVar[Source]
    SOURCE_TOOL: _ClassVar[Source]

class Mood(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MOOD_UNSPECIFIED: _ClassVar[Mood]
    MOOD_NEGATIVE: _ClassVar[Mood]
    MOOD_NEUTRAL: _ClassVar[Mood]
    MOOD_POSITIVE: _ClassVar[Mood]
ROLE_UNSPECIFIED: Role
ROLE_CALLER: Role
ROLE_AGENT: Role
CHANNEL_UNSPECIFIED: Channel
CHANNEL_WEB: Channel
CHANNEL_PHONE: Channel
SOURCE_UNSPECIFIED: Source
SOURCE_CALLER: Source
SOURCE_TOOL: Source
MOOD_UNSPECIFIED: Mood
MOOD_NEGATIVE: Mood
MOOD_NEUTRAL: Mood
MOOD_POSITIVE: Mood

class Turn(_message.Message):
    __slots__ = ("role", "text", "spoken_at", "service", "was_interrupted")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPOKEN_AT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    WAS_INTERRUPTED_FIELD_NUMBER: _ClassVar[int]
    role: Role
    text: str
    spoken_at: _timestamp_pb2.Timestamp
    service: str
    was_interrupted: bool
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., text: _Optional[str] = ..., spoken_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., service: _Optional[str] = ..., was_interrupted: _Optional[bool] = ...) -> None: ...

class Fact(_message.Message):
    __slots__ = ("value", "source", "verified", "learned_at", "position", "service")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    LEARNED_AT_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    value: str
    source: Source
    verified: bool
    learned_at: _timestamp_pb2.Timestamp
    position: int
    service: str
    def __init__(self, value: _Optional[str] = ..., source: _Optional[_Union[Source, str]] = ..., verified: _Optional[bool] = ..., learned_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., position: _Optional[int] = ..., service: _Optional[str] = ...) -> None: ...

class NamedFact(_message.Message):
    __slots__ = ("name", "fact")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FACT_FIELD_NUMBER: _ClassVar[int]
    name: str
    fact: Fact
    def __init__(self, name: _Optional[str] = ..., fact: _Optional[_Union[Fact, _Mapping]] = ...) -> None: ...

class BillingFacts(_message.Message):
    __slots__ = ("account_id", "invoice_number", "amount", "date")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INVOICE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    account_id: Fact
    invoice_number: Fact
    amount: Fact
    date: Fact
    def __init__(self, account_id: _Optional[_Union[Fact, _Mapping]] = ..., invoice_number: _Optional[_Union[Fact, _Mapping]] = ..., amount: _Optional[_Union[Fact, _Mapping]] = ..., date: _Optional[_Union[Fact, _Mapping]] = ...) -> None: ...

class TechnicalFacts(_message.Message):
    __slots__ = ("error_message", "product", "steps_tried")
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    STEPS_TRIED_FIELD_NUMBER: _ClassVar[int]
    error_message: Fact
    product: Fact
    steps_tried: _containers.RepeatedCompositeFieldContainer[Fact]
    def __init__(self, error_message: _Optional[_Union[Fact, _Mapping]] = ..., product: _Optional[_Union[Fact, _Mapping]] = ..., steps_tried: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ...) -> None: ...

class SalesFacts(_message.Message):
    __slots__ = ("current_plan", "interest", "company_size")
    CURRENT_PLAN_FIELD_NUMBER: _ClassVar[int]
    INTEREST_FIELD_NUMBER: _ClassVar[int]
    COMPANY_SIZE_FIELD_NUMBER: _ClassVar[int]
    current_plan: Fact
    interest: Fact
    company_size: Fact
    def __init__(self, current_plan: _Optional[_Union[Fact, _Mapping]] = ..., interest: _Optional[_Union[Fact, _Mapping]] = ..., company_size: _Optional[_Union[Fact, _Mapping]] = ...) -> None: ...

class ExtractedInfo(_message.Message):
    __slots__ = ("billing", "technical", "sales", "other")
    BILLING_FIELD_NUMBER: _ClassVar[int]
    TECHNICAL_FIELD_NUMBER: _ClassVar[int]
    SALES_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    billing: BillingFacts
    technical: TechnicalFacts
    sales: SalesFacts
    other: _containers.RepeatedCompositeFieldContainer[NamedFact]
    def __init__(self, billing: _Optional[_Union[BillingFacts, _Mapping]] = ..., technical: _Optional[_Union[TechnicalFacts, _Mapping]] = ..., sales: _Optional[_Union[SalesFacts, _Mapping]] = ..., other: _Optional[_Iterable[_Union[NamedFact, _Mapping]]] = ...) -> None: ...

class Intent(_message.Message):
    __slots__ = ("name", "confidence", "found_by")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    FOUND_BY_FIELD_NUMBER: _ClassVar[int]
    name: str
    confidence: float
    found_by: str
    def __init__(self, name: _Optional[str] = ..., confidence: _Optional[float] = ..., found_by: _Optional[str] = ...) -> None: ...

class Sentiment(_message.Message):
    __slots__ = ("label", "score", "trend")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    TREND_FIELD_NUMBER: _ClassVar[int]
    label: Mood
    score: float
    trend: float
    def __init__(self, label: _Optional[_Union[Mood, str]] = ..., score: _Optional[float] = ..., trend: _Optional[float] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("service", "what", "outcome", "tried_at")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TRIED_AT_FIELD_NUMBER: _ClassVar[int]
    service: str
    what: str
    outcome: str
    tried_at: _timestamp_pb2.Timestamp
    def __init__(self, service: _Optional[str] = ..., what: _Optional[str] = ..., outcome: _Optional[str] = ..., tried_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Caller(_message.Message):
    __slots__ = ("identity", "display_name")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    identity: str
    display_name: str
    def __init__(self, identity: _Optional[str] = ..., display_name: _Optional[str] = ...) -> None: ...
