"""LiveKit's SIP API: the part of it that is used here, and what its refusals mean to a person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
from google.protobuf.message import DecodeError
from livekit.api import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    DeleteSIPDispatchRuleRequest,
    DeleteSIPTrunkRequest,
    ListSIPDispatchRuleRequest,
    ListSIPDispatchRuleResponse,
    ListSIPInboundTrunkRequest,
    ListSIPInboundTrunkResponse,
    ListSIPOutboundTrunkRequest,
    ListSIPOutboundTrunkResponse,
    LiveKitAPI,
    ServerError,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
    SIPTrunkInfo,
)

from gateway.settings import PhoneSettings

_ANSWER_SECONDS = 10.0


class Sip(Protocol):
    """What is used of ``livekit.api.SipService``. An update replaces the whole record."""

    async def list_inbound_trunk(self, asked: ListSIPInboundTrunkRequest, /) -> ListSIPInboundTrunkResponse: ...

    async def list_outbound_trunk(self, asked: ListSIPOutboundTrunkRequest, /) -> ListSIPOutboundTrunkResponse: ...

    async def list_dispatch_rule(self, asked: ListSIPDispatchRuleRequest, /) -> ListSIPDispatchRuleResponse: ...

    async def create_inbound_trunk(self, asked: CreateSIPInboundTrunkRequest, /) -> SIPInboundTrunkInfo: ...

    async def create_outbound_trunk(self, asked: CreateSIPOutboundTrunkRequest, /) -> SIPOutboundTrunkInfo: ...

    async def create_dispatch_rule(self, asked: CreateSIPDispatchRuleRequest, /) -> SIPDispatchRuleInfo: ...

    async def update_inbound_trunk(self, id_: str, trunk: SIPInboundTrunkInfo, /) -> SIPInboundTrunkInfo: ...

    async def update_outbound_trunk(self, id_: str, trunk: SIPOutboundTrunkInfo, /) -> SIPOutboundTrunkInfo: ...

    async def update_dispatch_rule(self, id_: str, rule: SIPDispatchRuleInfo, /) -> SIPDispatchRuleInfo: ...

    async def delete_trunk(self, asked: DeleteSIPTrunkRequest, /) -> SIPTrunkInfo: ...

    async def delete_dispatch_rule(self, asked: DeleteSIPDispatchRuleRequest, /) -> SIPDispatchRuleInfo: ...


class LiveKitTrouble(Exception):
    """LiveKit did not do what was asked: what happened, and how to mend it. Quotes no secret."""


@asynccontextmanager
async def connect(settings: PhoneSettings) -> AsyncIterator[Sip]:
    """LiveKit's SIP API, on a server of one's own or on LiveKit Cloud. Nothing is sent yet."""
    livekit = LiveKitAPI(
        settings.livekit_url,
        settings.livekit_api_key,
        settings.livekit_api_secret,
        timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS),
        # A creation that was lost on its way is not sent to another region too: a person runs this again.
        failover=False,
    )
    try:
        yield livekit.sip
    finally:
        await livekit.aclose()


@contextmanager
def explained(url: str, secrets: frozenset[str]) -> Iterator[None]:
    """Turns what LiveKit's client raises within into LiveKitTrouble."""
    try:
        yield
    except ServerError as error:
        raise LiveKitTrouble(_refusal(error, place_of(url), _without(secrets, error.message))) from None
    except DecodeError:
        raise LiveKitTrouble(_no_api(place_of(url))) from None
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        what = f"LiveKit does not answer at {place_of(url)} ({type(error).__name__})"
        raise LiveKitTrouble(f"{what}: start it, or mend LIVEKIT_URL") from None


def place_of(url: str) -> str:
    """Host and port, without whatever else stands in a URL."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _refusal(error: ServerError, place: str, message: str) -> str:
    if error.status in (401, 403):
        # Its answer may quote the token.
        return (
            f"LiveKit at {place} refuses the key: LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be a pair that it knows"
        )
    if "sip not connected" in error.message:
        return (
            f"LiveKit at {place} has no Redis, where it would keep trunks and rules: give `redis: {{address: ...}}` in"
            " its configuration, the same one as livekit/sip has"
        )
    if error.status in (404, 405) and error.code != "not_found":
        return _no_api(place)
    return f"LiveKit at {place} refuses ({error.code}, {error.status}): {message or 'without a reason'}"


def _no_api(place: str) -> str:
    return f"what answers at {place} has no SIP API: LIVEKIT_URL must be LiveKit's own address, without a path"


def _without(secrets: frozenset[str], text: str) -> str:
    """Longest first: one secret may be a part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text
