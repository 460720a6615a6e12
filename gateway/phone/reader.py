"""From a phone.yaml to a PhoneConfig, with all its problems at once."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from handoff.directory import DIRECTORY
from yaml_lines.nodes import Entries, Nodes, line_of

from gateway.phone import values
from gateway.phone.config import (
    ENCRYPTIONS,
    RINGING_SECONDS,
    TRANSPORTS,
    Auth,
    ConfigError,
    Inbound,
    Line,
    Outbound,
    PhoneConfig,
)
from gateway.phone.credentials import Variable, read_auth

_TOP = ("name", "inbound", "outbound")
_INBOUND = ("name", "numbers", "allowed_addresses", "auth", "hide_phone_number", "attributes", "ringing_seconds",
            "max_call_seconds", "krisp", "media_encryption")  # fmt: skip
_LINE = ("service", "hide_phone_number", "attributes")
_OUTBOUND = ("address", "transport", "numbers", "auth", "media_encryption")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LIVEKITS_OWN = ("sip.", "lk.")
_NUMBERS = f'"{values.NUMBER_EXAMPLE}": triage'
_DAY = 86_400


def load(path: Path, variable: Variable) -> PhoneConfig:
    """Reads the file and the secrets that it names. Raises ConfigError with all that is wrong."""
    nodes = Nodes(path, is_secret=True)
    root = nodes.document(
        absent="give the path of a phone.yaml; gateway/phone/example.yaml is one to begin with",
        empty="copy gateway/phone/example.yaml and change its numbers",
    )
    if root is None:
        raise ConfigError(nodes.problems_in_order)
    top = nodes.mapping(root, "the file", _TOP, "inbound: ...")
    reader = _Reader(nodes, variable)
    config = PhoneConfig(
        name=reader.name(top, "main"),
        inbound=reader.carriers(top),
        outbound=reader.outbound(top["outbound"]) if "outbound" in top else None,
    )
    if not top.keys() & {"inbound", "outbound"} and not nodes.problems:
        nodes.wrong(root, "the file describes no number", "write `inbound:`; gateway/phone/example.yaml shows how")
    if nodes.problems:
        raise ConfigError(nodes.problems_in_order)
    return config


class _Reader:
    """One reading of one file."""

    def __init__(self, nodes: Nodes, variable: Variable) -> None:
        self._nodes, self._variable = nodes, variable
        self._seen: dict[str, int] = {}
        """The line on which a number stood first."""

    def name(self, entries: Entries, otherwise: str) -> str:
        if "name" not in entries:
            return otherwise
        said = self._nodes.text(entries["name"], "`name`", "carrier")
        if said and not _NAME.fullmatch(said):
            right = "write up to 40 small letters, digits and hyphens, such as carrier-one"
            self._nodes.wrong(entries["name"], f"`name` is {said!r}", right)
        return said

    def carriers(self, top: Entries) -> tuple[Inbound, ...]:
        if "inbound" not in top:
            return ()
        found: list[Inbound] = []
        for item in self._nodes.items(top["inbound"], "`inbound`", "- name: carrier", may_be_empty=False):
            carrier = self._carrier(item)
            if carrier.name and carrier.name in {other.name for other in found}:
                self._nodes.wrong(item, f"another carrier is called {carrier.name!r}", "give each a `name` of its own")
            found.append(carrier)
        return tuple(found)

    def _carrier(self, node: yaml.Node) -> Inbound:
        nodes = self._nodes
        entries = nodes.mapping(node, "this carrier", _INBOUND, "name: carrier")
        if isinstance(node, yaml.MappingNode):
            self._check_carrier(node, entries)
        return Inbound(
            name=self.name(entries, ""),
            lines=self._lines(entries),
            allowed_addresses=self._addresses(entries),
            auth=self._auth(entries),
            ringing_seconds=self._seconds(entries, "ringing_seconds", RINGING_SECONDS, least=5, most=180),
            max_call_seconds=self._seconds(entries, "max_call_seconds", 0, least=60, most=_DAY),
            krisp="krisp" in entries and nodes.flag(entries["krisp"], "`krisp`"),
            media_encryption=self._encryption(entries),
        )

    def _check_carrier(self, node: yaml.Node, entries: Entries) -> None:
        for key, example in (("name", "name: carrier"), ("numbers", f"numbers: {{{_NUMBERS}}}")):
            if key not in entries:
                self._nodes.wrong(node, f"this carrier has no `{key}`", f"write `{example}`")
        if not entries.keys() & {"allowed_addresses", "auth"}:
            right = "write `allowed_addresses:` (the networks that your carrier calls from), or `auth:`, or both"
            self._nodes.wrong(node, "anybody on the internet could call these numbers past the carrier", right)

    def _lines(self, entries: Entries) -> tuple[Line, ...]:
        node = entries.get("numbers")
        if node is None:
            return ()
        if not isinstance(node, yaml.MappingNode) or not node.value:
            self._nodes.wrong(node, "`numbers` names no number", f"write `number: service` pairs, such as `{_NUMBERS}`")
            return ()
        lines = (self._line(key, value, entries) for key, value in node.value)
        return tuple(line for line in lines if line.number)

    def _line(self, key: yaml.Node, value: yaml.Node, carrier: Entries) -> Line:
        number = self._number(key)
        said: Entries = {"service": value}
        if not isinstance(value, yaml.ScalarNode):
            said = self._nodes.mapping(value, "this number", _LINE, "service: triage")
            if "service" not in said and isinstance(value, yaml.MappingNode):
                self._nodes.wrong(value, "this number does not say who answers it", "write `service: triage`")
        return Line(
            number=number,
            service=self._nodes.choice(said["service"], "the service", tuple(DIRECTORY)) if "service" in said else "",
            attributes=self._attributes(carrier) | self._attributes(said),
            hide_phone_number=self._hides({**carrier, **said}),
        )

    def _number(self, node: yaml.Node) -> str:
        number = values.number(self._nodes, node)
        if number in self._seen:
            what = f"{number} stands on line {self._seen[number]} already"
            self._nodes.wrong(node, what, "a number has one carrier and one service: keep one of them")
            return ""
        if number:
            self._seen[number] = line_of(node)
        return number

    def _hides(self, entries: Entries) -> bool:
        node = entries.get("hide_phone_number")
        return node is None or self._nodes.flag(node, "`hide_phone_number`")

    def _attributes(self, entries: Entries) -> dict[str, str]:
        if "attributes" not in entries:
            return {}
        found = self._nodes.mapping(entries["attributes"], "`attributes`", None, "line: sales")
        for name, node in found.items():
            if not _ATTRIBUTE.fullmatch(name):
                right = "write letters, digits, `.`, `_` and `-`"
                self._nodes.wrong(node, f"{name!r} is no name of an attribute", right)
            elif name.startswith(_LIVEKITS_OWN):
                right = f"begin it with something else than {' and '.join(_LIVEKITS_OWN)}"
                self._nodes.wrong(node, f"the attribute `{name}` is LiveKit's own to set", right)
        return {name: self._nodes.text(node, f"`{name}`", "sales") for name, node in found.items()}

    def _addresses(self, entries: Entries) -> tuple[str, ...]:
        if "allowed_addresses" not in entries:
            return ()
        items = self._nodes.items(
            entries["allowed_addresses"], "`allowed_addresses`", "[203.0.113.0/24]", may_be_empty=False
        )
        return tuple(sorted({found for item in items if (found := values.address(self._nodes, item))}))

    def _auth(self, entries: Entries) -> Auth | None:
        return read_auth(self._nodes, entries["auth"], self._variable) if "auth" in entries else None

    def _seconds(self, entries: Entries, key: str, otherwise: int, *, least: int, most: int) -> int:
        if key not in entries:
            return otherwise
        return self._nodes.whole_number(entries[key], f"`{key}`", least=least, most=most)

    def _encryption(self, entries: Entries) -> str:
        node = entries.get("media_encryption")
        return self._nodes.choice(node, "`media_encryption`", ENCRYPTIONS) if node is not None else ENCRYPTIONS[0]

    def outbound(self, node: yaml.Node) -> Outbound:
        nodes = self._nodes
        entries = nodes.mapping(node, "`outbound`", _OUTBOUND, "address: sip.example.com")
        for key, example in (("address", "sip.example.com"), ("numbers", f'["{values.NUMBER_EXAMPLE}"]')):
            if key not in entries and isinstance(node, yaml.MappingNode):
                nodes.wrong(node, f"`outbound` has no `{key}`", f"write `{key}: {example}`")
        transport = entries.get("transport")
        return Outbound(
            address=values.host(nodes, entries["address"], "`address`") if "address" in entries else "",
            numbers=self._callers_ids(entries),
            transport=nodes.choice(transport, "`transport`", TRANSPORTS) if transport is not None else TRANSPORTS[0],
            auth=self._auth(entries),
            media_encryption=self._encryption(entries),
        )

    def _callers_ids(self, entries: Entries) -> tuple[str, ...]:
        """What those whom we call see."""
        if "numbers" not in entries:
            return ()
        items = self._nodes.items(entries["numbers"], "`numbers`", f'["{values.NUMBER_EXAMPLE}"]', may_be_empty=False)
        return tuple(dict.fromkeys(found for item in items if (found := values.number(self._nodes, item))))
