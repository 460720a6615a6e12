"""Nothing that is deployed can run what somebody says: no evaluation, no shell, no program, no unsafe reading, no SQL put together from text.

The one program that workers could need, LiveKit's, is not started by them; the local mesh starts processes and is not deployed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import house

ROOT = house.ROOT
EVALUATES = {"eval", "exec", "compile", "__import__"}
STARTS = {
    *("subprocess", "pty", "runpy", "code", "codeop", "ctypes", "pickle", "marshal", "shelve"),
    *("os.system", "os.popen", "os.posix_spawn", "os.posix_spawnp"),
    *(f"os.exec{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *(f"os.spawn{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "yaml.load", "yaml.unsafe_load"),
}
BY_NAME = {Path("libs/backoffice/backoffice/database.py"): "the office's own package, which its code names"}
"""Modules that import by a name."""
REACH_FOR_A_REASON = {
    "libs/worker/worker/understanding/encoder.py": ["ctypes"],  # one constant call: it gives memory back to the system
}


def deployed() -> list[Path]:
    """Modules of what runs in a pod, without what only tests import."""
    rooms = ("libs", "services", "gateway")
    return [
        module
        for module in house.modules(tests=False)
        if module.parts[0] in rooms
        and "testing" not in module.parts
        and module.name not in ("testing.py", "pytest_plugin.py")
    ]


def reaches(tree: ast.Module) -> Iterator[str]:
    """What of the above a module calls or imports, in whichever way."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {alias.name.split(".")[0] for alias in node.names} & STARTS
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ({node.module.split(".")[0]} | {f"{node.module}.{alias.name}" for alias in node.names}) & STARTS
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield from {f"{node.value.id}.{node.attr}"} & STARTS
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from {node.func.id} & EVALUATES


def sql_of_text(tree: ast.Module) -> Iterator[int]:
    """Lines at which a statement for a database is put together from something that is no constant of the module."""
    constants = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for names in node.targets
        for target in (names.elts if isinstance(names, ast.Tuple) else [names])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in ("text", "exec_driver_sql") or isinstance(node.args[0], ast.Constant):
            continue
        used = {each.id for each in ast.walk(node.args[0]) if isinstance(each, ast.Name)}
        if not isinstance(node.args[0], ast.JoinedStr | ast.BinOp) or not used <= constants:
            yield node.lineno


def test_nothing_deployed_runs_what_it_is_told() -> None:
    found = {str(module): sorted(set(reaches(house.tree(module)))) for module in deployed()}
    assert len(found) > 200
    assert {module: names for module, names in found.items() if names} == REACH_FOR_A_REASON


def test_what_is_imported_by_a_name_is_named_by_our_own_code() -> None:
    by_name = {
        module
        for module in deployed()
        if "import_module" in {getattr(node, "attr", "") for node in ast.walk(house.tree(module))}
    }
    assert by_name == set(BY_NAME)


@pytest.mark.parametrize("module", [m for m in deployed() if "sqlalchemy" in (ROOT / m).read_text()], ids=str)
def test_no_statement_for_a_database_is_put_together_from_text(module: Path) -> None:
    # PRAGMA and BEGIN take no parameters: one of two words is chosen there.
    pragma = {Path("libs/backoffice/backoffice/database.py"): 2}
    assert len(list(sql_of_text(house.tree(module)))) <= pragma.get(module, 0)


@pytest.mark.parametrize(
    "code",
    [
        *("import subprocess", "from subprocess import run", "import os\nos.system(x)", "eval(said)", "exec(said)"),
        *("from os import system", "import asyncio\nasyncio.create_subprocess_shell(x)", "__import__(said)"),
        *("import yaml\nyaml.load(x)", "from pickle import loads", "import os\nos.execvp(x, y)"),
    ],
)
def test_the_test_sees_what_should_not_be_there(code: str) -> None:
    assert list(reaches(ast.parse(code)))


@pytest.mark.parametrize("code", ["text(f'SELECT {said}')", "text('SELECT ' + said)", "session.execute(text(said))"])
def test_the_test_sees_a_statement_made_of_text(code: str) -> None:
    assert list(sql_of_text(ast.parse(code)))
