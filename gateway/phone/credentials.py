"""A SIP account in phone.yaml: the file names the variables or the files that hold it, and never holds it itself.

Nothing that stands in an `auth` is ever quoted in a complaint: it may be the secret, in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import yaml
from yaml_lines.nodes import Nodes, did_you_mean

from gateway.phone.config import Auth

Variable = Callable[[str], str]
"""The value of a variable of the environment; empty when it is not set."""

_PARTS = ("username", "password")
_KEYS = ("username_env", "username_file", "password_env", "password_file")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RIGHT = "write `auth: {username_env: CARRIER_USERNAME, password_env: CARRIER_PASSWORD}`, or `..._file:` with a path"


def read_auth(nodes: Nodes, node: yaml.Node, variable: Variable) -> Auth | None:
    """The account; None (and noted problems) when it is not there in full."""
    if not isinstance(node, yaml.MappingNode):
        nodes.wrong(node, "`auth` is no mapping", _RIGHT)
        return None
    entries = _entries(nodes, node)
    username, password = (_part(nodes, node, entries, part, variable) for part in _PARTS)
    return Auth(username, password) if username and password else None


def _entries(nodes: Nodes, node: yaml.MappingNode) -> dict[str, yaml.Node]:
    entries: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
        if name in _PARTS:
            right = f"write `{name}_env:` and the name of a variable, or `{name}_file:` and a path"
            nodes.wrong(key, f"the {name} itself stands in this file, and whoever reads the file would have it", right)
        elif name not in _KEYS:
            nodes.wrong(key, "`auth` has no such key", did_you_mean(name, _KEYS))
        elif name in entries:
            nodes.wrong(key, f"`{name}` stands twice in `auth`", "keep one of them")
        else:
            entries[name] = value
    return entries


def _part(nodes: Nodes, node: yaml.Node, entries: dict[str, yaml.Node], part: str, variable: Variable) -> str:
    env, file = entries.get(f"{part}_env"), entries.get(f"{part}_file")
    if env is not None and file is not None:
        nodes.wrong(file, f"`{part}_env` and `{part}_file` stand both in `auth`", "keep one of them")
    elif env is not None:
        return _from_variable(nodes, env, f"{part}_env", variable)
    elif file is not None:
        return _from_file(nodes, file, f"{part}_file")
    elif not any(key.value == part for key, _ in node.value):
        nodes.wrong(node, f"`auth` does not say where its {part} is", _RIGHT)
    return ""


def _from_variable(nodes: Nodes, node: yaml.Node, what: str, variable: Variable) -> str:
    name = node.value if isinstance(node, yaml.ScalarNode) else ""
    if not _NAME.fullmatch(name):
        nodes.wrong(node, f"`{what}` is not the name of a variable", f"write `{what}: CARRIER_PASSWORD`, say")
        return ""
    value = variable(name)
    if not value:
        right = "export it before you run this; if it is the secret itself that stands here, take it out of the file"
        nodes.wrong(node, f"the variable that `{what}` names is not set", right)
    return value


def _from_file(nodes: Nodes, node: yaml.Node, what: str) -> str:
    name = node.value.strip() if isinstance(node, yaml.ScalarNode) else ""
    if not name:
        nodes.wrong(node, f"`{what}` is empty", "give the path of a file that holds it and nothing else")
        return ""
    path = nodes.path.parent / Path(name).expanduser()
    try:
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        right = "give the path of a text file, from the folder of this YAML on"
        nodes.wrong(node, f"the file of `{what}` cannot be read", right)
        return ""
    if not value or len(value.splitlines()) > 1:
        nodes.wrong(node, f"the file of `{what}` does not hold one line", "put the secret there and nothing else")
        return ""
    return value
