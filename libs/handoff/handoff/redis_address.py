"""REDIS_URL, read once: which kind of Redis, at which places, with which user and which certificates.

form                                                    is
redis://[user:password@]host[:port][/db]                one Redis, or one address that leads to the master
redis+sentinel://[...@]host[:port],host[:port]/name[/db]  Sentinels that know where the master called ``name`` is
redis+cluster://[...@]host[:port],host[:port]           nodes of a Redis Cluster, any of them

``rediss`` in place of ``redis`` is TLS, to the Sentinels too. What may follow a ``?`` is in OPTIONS. Nothing here connects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit


class Kind(StrEnum):
    """What is at the other end of a REDIS_URL."""

    ONE = "redis"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_TLS = ("rediss", "rediss+sentinel", "rediss+cluster")
SCHEMES = ("redis", "redis+sentinel", "redis+cluster", *_TLS)
_PORTS = {Kind.ONE: 6379, Kind.SENTINEL: 26379, Kind.CLUSTER: 6379}
_FORMS = {
    Kind.ONE: "redis://127.0.0.1:6379/0",
    Kind.SENTINEL: "redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster/0",
    Kind.CLUSTER: "redis+cluster://10.0.0.1:6379,10.0.0.2:6379",
}


def _switch(raw: str) -> bool:
    word = raw.lower()
    if word not in ("true", "yes", "1", "false", "no", "0"):
        raise ValueError
    return word in ("true", "yes", "1")


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in words:
            raise ValueError
        return raw

    return parse


OPTIONS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "db": int,
        "client_name": str,
        "max_connections": int,
        "sentinel_username": str,
        "sentinel_password": str,
        "ssl_ca_certs": str,
        "ssl_certfile": str,
        "ssl_keyfile": str,
        "ssl_check_hostname": _switch,
        "ssl_cert_reqs": _one_of("required", "optional", "none"),
    }
)
"""Query parameters: the database; a name to be listed under; the most connections of one process; the Sentinels' own user; files with the
authority, our certificate and its key; whether the certificate must name the host; whether one is looked at."""

_AUTHORITY = re.compile(r"([^/?#]*)(.*)", re.DOTALL)
"""Matches whatever there is: what stands before the path, and the rest."""
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """``options`` are of OPTIONS, for every connection; the Sentinels' own are apart. Secrets are in no ``repr``."""

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    is_tls: bool = False
    master: str = ""
    """How the Sentinels call it."""
    db: int = 0
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sentinel_username: str = field(default="", repr=False)
    sentinel_password: str = field(default="", repr=False)
    options: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, url: str) -> RedisAddress:
        """Raises ValueError, which quotes no part of the URL: "must start with ..."."""
        scheme, colon, rest = url.strip().partition("://")
        if not colon or scheme not in SCHEMES:
            raise ValueError("must start with redis:// or rediss://, redis+sentinel://, redis+cluster:// (or rediss+)")
        kind = Kind(scheme.partition("+")[2] or Kind.ONE)
        try:
            # Without its hosts: what knows URLs of one host refuses several, in current Pythons, when one of them is an IPv6 address.
            hosts, path = _AUTHORITY.fullmatch(rest).groups()  # type: ignore[union-attr]
            parts = urlsplit(f"{scheme}://hosts{path}")
        except ValueError:
            raise ValueError(f"cannot be read: it must look like {_FORMS[kind]}") from None
        options = _options_of(parts, is_tls=scheme in _TLS)
        sentinels = {f"sentinel_{name}": str(options.pop(f"sentinel_{name}", "")) for name in ("username", "password")}
        if any(sentinels.values()) and kind is not Kind.SENTINEL:
            raise ValueError("has sentinel_username or sentinel_password, and is not a redis+sentinel:// one")
        user, _, places = hosts.rpartition("@")
        username, _, password = user.partition(":")
        master, db = _path_of(parts, kind, options.pop("db", None))
        return cls(
            kind=kind,
            hosts=_hosts_of(places, kind),
            is_tls=scheme in _TLS,
            master=master,
            db=db,
            username=unquote(username),
            password=unquote(password),
            options=MappingProxyType(options),
            **sentinels,
        )

    @property
    def place(self) -> str:
        """Hosts and ports alone, for a person to read: an URL may hold a password."""
        return ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)


def _hosts_of(places: str, kind: Kind) -> tuple[tuple[str, int], ...]:
    found = [_HOST.fullmatch(place.strip()) for place in places.split(",")]
    hosts = tuple((each["six"] or unquote(each["host"]), int(each["port"] or _PORTS[kind])) for each in found if each)
    if None in found or any(not 0 < port < 65536 for _, port in hosts):
        raise ValueError(
            f"must look like {_FORMS[kind]}: a host that cannot be read, or a sign of the password that is not written as %XX"
        )
    if kind is Kind.ONE and len(hosts) > 1:
        raise ValueError(
            "names several hosts: redis+sentinel:// and redis+cluster:// may, redis:// leads to one; write @ and , of a password as %40 and %2C"
        )
    return hosts


def _path_of(parts: SplitResult, kind: Kind, asked: object) -> tuple[str, int]:
    """The master's name and the number of the database."""
    steps = [unquote(step) for step in parts.path.split("/") if step]
    master = steps.pop(0) if kind is Kind.SENTINEL and steps else ""
    if kind is Kind.SENTINEL and not master:
        raise ValueError(f"must name the master that the Sentinels watch: {_FORMS[kind]}")
    if parts.fragment or len(steps) > 1 or not all(step.isdecimal() for step in steps):
        raise ValueError(f"must end with the number of a database or nothing: {_FORMS[kind]}")
    db = int(steps[0]) if steps else int(str(asked or 0))
    if kind is Kind.CLUSTER and db:
        raise ValueError("names a database: a Redis Cluster has database 0 alone")
    return master, db


def _options_of(parts: SplitResult, *, is_tls: bool) -> dict[str, object]:
    options: dict[str, object] = {}
    for name, raw in parse_qsl(parts.query, keep_blank_values=True):
        if (parse := OPTIONS.get(name)) is None:
            raise ValueError(f"has a parameter that is none of {', '.join(OPTIONS)}")
        if name.startswith("ssl_") and not is_tls:
            raise ValueError(f"has {name} and no TLS: it must start with rediss, not redis")
        try:
            options[name] = parse(raw)
        except ValueError:
            raise ValueError(f"has a {name} that cannot be read") from None
    return options
