"""Telephone numbers, addresses and hosts as phone.yaml spells them, each with what would be right."""

from __future__ import annotations

import ipaddress
import re

import yaml
from yaml_lines.nodes import Nodes

NUMBER_EXAMPLE = "+15550100000"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_DECORATION = re.compile(r"[\s().\-/]")
_HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::(\d{1,5}))?"
)


def number(nodes: Nodes, node: yaml.Node) -> str:
    """A number in E.164; empty (and a noted problem) when it is none."""
    said = nodes.text(node, "a number", NUMBER_EXAMPLE)
    if not said or _E164.fullmatch(said):
        return said
    plain = re.sub(r"^00", "+", _DECORATION.sub("", said))
    guess = plain if plain.startswith("+") else f"+{plain}"
    right = guess if _E164.fullmatch(guess) else NUMBER_EXAMPLE
    nodes.wrong(
        node, f"{said!r} is no number in E.164", f"write + and the country's code first, and digits alone: {right}"
    )
    return ""


def digits_of(said: str) -> str:
    """A number as LiveKit compares it: without decoration, with a +. What is no number stays as it is."""
    if not re.fullmatch(r"\+?[\d\- ()]+", said):
        return said
    plain = re.sub(r"[ \-()]", "", said)
    return plain if plain.startswith("+") else f"+{plain}"


def address(nodes: Nodes, node: yaml.Node) -> str:
    """An IP address or a CIDR; empty (and a noted problem) when it is none."""
    said = nodes.text(node, "an address", "203.0.113.0/24")
    if not said:
        return ""
    try:
        ipaddress.ip_network(said)
    except ValueError:
        nodes.wrong(node, f"{said!r} is no IP address and no CIDR", _right_address(said))
        return ""
    return said


def _right_address(said: str) -> str:
    try:
        return f"the network's own address stands in a CIDR: write {ipaddress.ip_network(said, strict=False)}"
    except ValueError:
        # A host's name is compared with what the caller himself writes into From.
        return "write 203.0.113.7 or 203.0.113.0/24, as your carrier publishes them; a name proves nothing"


def host(nodes: Nodes, node: yaml.Node, what: str) -> str:
    """Where SIP is spoken: a name or an address, with a port or without; empty (and a noted problem) when it is none."""
    said = nodes.text(node, what, "sip.example.com")
    match = _HOST.fullmatch(said)
    if said and (match is None or int(match[1] or 1) not in range(1, 65536)):
        right = "write the host alone, without `sip:`, user and transport: sip.example.com, or sip.example.com:5061"
        nodes.wrong(node, f"{what} is {said!r}, which is no host", right)
        return ""
    return said
