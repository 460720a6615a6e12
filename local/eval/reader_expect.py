"""The `expect:` part of an eval's YAML."""

from __future__ import annotations

import yaml
from handoff.call import Ending
from handoff.directory import DIRECTORY

from local.caller.nodes import Nodes
from local.eval.conversation import Changes, Expect, Facts, Patterns, TableChange

_PATTERNS = ("says", "never_says", "says_once", "effects", "calls", "never_calls", "may_ask_again")
_EXPECT = ("services", "ending", "carried", "facts", "database", "asks_once", *_PATTERNS)
_COUNTS = ("added", "changed", "removed")


def read_expect(nodes: Nodes, node: yaml.Node) -> Expect:
    """Notes what is wrong with it in ``nodes``."""
    entries = nodes.mapping(node, "`expect`", _EXPECT, "ending: resolved")
    patterns = {name: _patterns(nodes, entries[name], name) for name in _PATTERNS if name in entries}
    return Expect(
        services=_services(nodes, entries["services"]) if "services" in entries else None,
        ending=_ending(nodes, entries["ending"]) if "ending" in entries else None,
        carried=_carried(nodes, entries["carried"]) if "carried" in entries else {},
        facts=_values(nodes, entries["facts"], "`facts`") if "facts" in entries else {},
        database=_database(nodes, entries["database"]) if "database" in entries else {},
        asks_once="asks_once" not in entries or nodes.flag(entries["asks_once"], "`asks_once`"),
        **patterns,
    )


def _ending(nodes: Nodes, node: yaml.Node) -> Ending | None:
    word = nodes.choice(node, "`ending`", list(Ending))
    return Ending(word) if word else None


def _patterns(nodes: Nodes, node: yaml.Node, name: str) -> Patterns:
    items = nodes.items(node, f"`{name}`", f"{name}: ['49\\.99']")
    return tuple(p for item in items if (p := nodes.pattern(item, f"`{name}`")) is not None)


def _services(nodes: Nodes, node: yaml.Node) -> tuple[str, ...]:
    items = nodes.items(node, "`services`", "services: [triage, billing]")
    return tuple(nodes.choice(item, "a service", sorted(DIRECTORY)) for item in items)


def _values(nodes: Nodes, node: yaml.Node, what: str) -> Facts:
    entries = nodes.mapping(node, what, None, "account_id: AC4721")
    return {name: nodes.text(value, f"`{name}`", "AC4721") for name, value in entries.items()}


def _carried(nodes: Nodes, node: yaml.Node) -> dict[str, Facts]:
    entries = nodes.mapping(node, "`carried`", sorted(DIRECTORY), "billing: {date: March}")
    return {service: _values(nodes, values, f"`carried: {service}`") for service, values in entries.items()}


def _database(nodes: Nodes, node: yaml.Node) -> Changes:
    offices = nodes.mapping(node, "`database`", sorted(DIRECTORY), "billing: {refunds: {added: 1}}")
    changes: dict[str, dict[str, TableChange]] = {}
    for office, tables in offices.items():
        named = nodes.mapping(tables, f"`database: {office}`", None, "refunds: {added: 1}")
        changes[office] = {table: _table(nodes, change, table) for table, change in named.items()}
    return changes


def _table(nodes: Nodes, node: yaml.Node, table: str) -> TableChange:
    if isinstance(node, yaml.ScalarNode):
        return TableChange(added=_count(nodes, node, table))
    entries = nodes.mapping(node, f"`{table}`", (*_COUNTS, "rows"), "added: 1")
    counts = {name: _count(nodes, entries[name], name) for name in _COUNTS if name in entries}
    items = nodes.items(entries["rows"], "`rows`", "rows: [{amount_cents: 4999}]") if "rows" in entries else []
    rows = tuple(_values(nodes, item, "a row") for item in items)
    if len(rows) > counts.get("added", 0) + counts.get("changed", 0):
        right = "give `added` or `changed` too: how many rows there are"
        nodes.wrong(node, f"`{table}` describes more rows than it says were added or changed", right)
    return TableChange(**counts, rows=rows)


def _count(nodes: Nodes, node: yaml.Node, what: str) -> int:
    number = nodes.number(node, f"`{what}`", least=0, most=1000)
    if number is not None and number != int(number):
        nodes.wrong(node, f"`{what}` is {number:g}", "write a whole number of rows")
    return int(number or 0)
