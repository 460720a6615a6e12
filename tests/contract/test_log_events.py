"""The catalog of log lines holds what the code may log, and nothing else: who reads a line at night finds it there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from telemetry.log_events import EVENTS

from tools import house

DEPLOYED = ("libs", "services", "gateway")
_LEVELS = {name: name for name in ("debug", "info", "warning", "error", "critical")} | {"exception": "error"}
_OF_ITS_OWNER = {Path("libs/scale_down/scale_down/log_lines.py"): "scale_down.rounds"}
"""Modules that log by the logger that they were given."""

Key = tuple[str, str, str]
"""Logger, level, template; a template that is not spelled at its call is told by its expression, in braces."""


def events_of(module: Path, tree: ast.Module) -> set[Key]:
    """All that a module may log."""
    loggers = {name: logger for node in ast.walk(tree) for name, logger in _made(module, node)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            to, level = ast.unparse(node.func.value), node.func.attr
            logger = loggers.get(to) or (_OF_ITS_OWNER.get(module) if to == "self._log" else None)
            if logger and level in _LEVELS:
                found.add((logger, _LEVELS[level], _template(node.args[0])))
            elif logger and level == "log":  # at a level that its caller chooses; by default a warning
                found.add((logger, "warning", _template(node.args[1])))
    return found


def _made(module: Path, node: ast.AST) -> list[tuple[str, str]]:
    """Name and logger, where a module makes one."""
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
        return []
    call = node.value
    if ast.unparse(call.func) != "logging.getLogger" or not call.args:
        return []
    named = call.args[0]
    logger = named.value if isinstance(named, ast.Constant) else _dotted(module)
    return [(ast.unparse(target), str(logger)) for target in node.targets]


def _dotted(module: Path) -> str:
    within = module.relative_to(Path(*module.parts[:2])) if module.parts[0] != "gateway" else module
    return ".".join(within.with_suffix("").parts)


def _template(argument: ast.expr) -> str:
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if isinstance(argument, ast.Name):
        return f"{{{argument.id}}}"
    raise AssertionError(f"line {argument.lineno}: a template is spelled where it is logged: {ast.unparse(argument)}")


def logged() -> set[Key]:
    return {
        key
        for module in house.modules(tests=False)
        if module.parts[0] in DEPLOYED and "testing" not in module.parts
        for key in events_of(module, house.tree(module))
    }


CATALOG = [(event.logger, event.level, event.template) for event in EVENTS]


def test_every_line_that_is_logged_stands_in_the_catalog() -> None:
    assert sorted(logged() - set(CATALOG)) == []


def test_every_line_of_the_catalog_is_logged_somewhere() -> None:
    assert sorted(set(CATALOG) - logged()) == []


def test_no_line_stands_in_the_catalog_twice() -> None:
    assert sorted(CATALOG) == sorted(set(CATALOG))


def test_every_line_says_what_it_means_and_a_warning_what_to_do() -> None:
    assert [event for event in EVENTS if not event.meaning] == []
    assert [event for event in EVENTS if event.level in ("warning", "error") and not event.do] == []


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ('log = logging.getLogger("a")\nlog.info("x %s", 1)', ("a", "info", "x %s")),
        ('log = logging.getLogger("a")\nlog.exception("x")', ("a", "error", "x")),
        ('_log = logging.getLogger(__name__)\n_log.error("%s", e)', ("worker.b.c", "error", "%s")),
        ('self._log = logging.getLogger("a")\nself._log.log(level, words)', ("a", "warning", "{words}")),
    ],
)
def test_the_walk_sees_every_way_of_logging(code: str, key: Key) -> None:
    assert events_of(Path("libs/worker/worker/b/c.py"), ast.parse(code)) == {key}


def test_the_walk_refuses_a_template_that_is_made_on_the_spot() -> None:
    with pytest.raises(AssertionError, match="spelled where it is logged"):
        events_of(Path("gateway/x.py"), ast.parse('log = logging.getLogger("a")\nlog.info(f"{said}")'))


def test_no_deployed_process_logs_by_the_root_logger_or_by_one_that_is_made_on_the_spot() -> None:
    strays = [
        f"{module}:{node.lineno}"
        for module in house.modules(tests=False)
        if module.parts[0] in DEPLOYED
        for node in ast.walk(house.tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LEVELS
        if ast.unparse(node.func.value) == "logging" or ast.unparse(node.func.value).startswith("logging.getLogger(")
    ]
    assert strays == []
