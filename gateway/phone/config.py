"""What a phone.yaml says, once it was read and found right; and what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yaml_lines.nodes import Problem

ENCRYPTIONS = ("disable", "allow", "require")
"""Of the sound between us and the carrier (SRTP)."""
TRANSPORTS = ("auto", "udp", "tcp", "tls")
RINGING_SECONDS = 20
"""LiveKit's own three minutes is how long a caller would listen to ringing when no agent is there."""


class ConfigError(Exception):
    """A phone.yaml that cannot be used, with all its problems in the order of its lines. Never quotes a secret."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


@dataclass(frozen=True, slots=True)
class Auth:
    """A SIP account."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One number of ours and who answers it."""

    number: str
    """E.164: +15550100000."""
    service: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Of the caller in the room, beside those that LiveKit gives him."""
    hide_phone_number: bool = True
    """Whether the caller's number stays out of the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A carrier that brings calls."""

    name: str
    lines: tuple[Line, ...]
    allowed_addresses: tuple[str, ...] = ()
    """IP addresses and CIDRs that its calls come from; empty: any."""
    auth: Auth | None = None
    ringing_seconds: int = RINGING_SECONDS
    max_call_seconds: int = 0
    """0: LiveKit's own limit."""
    krisp: bool = False
    media_encryption: str = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """The carrier that takes our own calls: transfers, callbacks."""

    address: str
    numbers: tuple[str, ...]
    transport: str = "auto"
    auth: Auth | None = None
    media_encryption: str = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneConfig:
    """One phone.yaml. ``name`` tells what is its own in LiveKit from what is another's."""

    name: str = "main"
    inbound: tuple[Inbound, ...] = ()
    outbound: Outbound | None = None

    @property
    def secrets(self) -> frozenset[str]:
        """What must never be printed."""
        auths = [carrier.auth for carrier in self.inbound] + [self.outbound.auth if self.outbound else None]
        return frozenset(word for auth in auths if auth for word in (auth.username, auth.password))
