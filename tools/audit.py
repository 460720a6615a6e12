"""What we depend on, audited: `python -m tools.audit` (`make audit`). Locks are complete and hashed, licences are allowed, and nothing that is
locked has a known vulnerability, as the OSV database tells: one service for what comes from PyPI and from npm.

Where that service does not answer it says "not checked: no answer" and does not fail, unless --required. Everything else needs no network.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import audit_rules
from tools.house import ROOT
from tools.sbom import licences

OSV = "https://api.osv.dev"
_ANSWER_SECONDS = 20.0
_AT_ONCE = 500
"""Packages in one question; the service takes a thousand."""
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One that is locked. ``ecosystem``: PyPI or npm, as OSV names them."""

    ecosystem: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class NoAnswer(Exception):
    """The database of vulnerabilities cannot be asked."""


def python_locks(root: Path = ROOT) -> list[Path]:
    """Every lock of Python packages: that of the house, those of the images, that of a tool."""
    return [root / "requirements.lock", *sorted((root / "images").glob("*.lock")), root / "tools" / "sbom.lock"]


def npm_lock(root: Path = ROOT) -> Path:
    """The one lock of npm's."""
    return root / "gateway" / "web" / "package-lock.json"


def read_python(lock: str) -> tuple[set[Package], list[str]]:
    """The packages of a lock, and what is wrong with it."""
    found, wrong = set[Package](), list[str]()
    for entry in re.split(r"\n(?=\S)", lock):
        if not entry.strip() or entry.startswith(("#", "-")):
            continue
        pinned, name = _PINNED.match(entry), entry.split()[0]
        if pinned is None:
            wrong.append(f"{name}: no exact version")
            continue
        found.add(Package("PyPI", pinned["name"].lower(), pinned["version"]))
        if "--hash=sha256:" not in entry:
            wrong.append(f"{name}: no hash")
    return found, wrong if found or wrong else ["nothing is locked in it"]


def read_npm(lock: Mapping[str, Any]) -> tuple[set[Package], list[str]]:
    """The same of npm's."""
    found, wrong = set[Package](), list[str]()
    for path, package in lock.get("packages", {}).items():
        if not path:
            continue
        name = path.rpartition("node_modules/")[2]
        found.add(Package("npm", name, str(package.get("version", ""))))
        if not str(package.get("integrity", "")).startswith("sha512-"):
            wrong.append(f"{name}: no hash")
        if not re.fullmatch(r"\d+\.\d+\.\d+\S*", str(package.get("version", ""))):
            wrong.append(f"{name}: no exact version")
    return found, wrong if found or wrong else ["nothing is locked in it"]


def unpinned(declared: str) -> list[str]:
    """Requirements that name a place instead of a package: no hash and no version could hold them."""
    lines = (line.split("#", 1)[0].strip() for line in declared.splitlines())
    return [line for line in lines if re.search(r"://|^git\+|@ (?!file)|^-i |--index", line)]


def refused_licences(told: Mapping[Package, Sequence[str]]) -> tuple[list[str], list[Package]]:
    """What may not be used as it is licensed, and packages whose licence is not told here."""
    wrong, untold = [], []
    for package, names in sorted(told.items()):
        if package.name in audit_rules.EXCEPTIONS:
            continue
        if not names:
            untold.append(package)
        elif not any(map(audit_rules.is_allowed, names)) or any(map(audit_rules.is_refused, names)):
            wrong.append(f"{package}: {', '.join(names)}")
    return wrong, untold


def licences_of(packages: Iterable[Package], lock: Mapping[str, Any]) -> dict[Package, list[str]]:
    """As the installed package of the same version declares it, and as npm's lock has it."""
    by_name = {path.rpartition("node_modules/")[2]: each for path, each in lock.get("packages", {}).items() if path}
    found: dict[Package, list[str]] = {}
    for package in packages:
        if package.ecosystem == "npm":
            found[package] = [name] if (name := by_name[package.name].get("license")) else []
            continue
        declared = licences(package.name, package.version)
        found[package] = [str(each.get("expression") or each["license"]["name"]) for each in declared]
    return found


def ask_osv(packages: Sequence[Package], *, address: str = OSV) -> dict[Package, list[str]]:
    """Ids of the vulnerabilities that each has. Raises NoAnswer."""
    found: dict[Package, list[str]] = {}
    for start in range(0, len(packages), _AT_ONCE):
        some = packages[start : start + _AT_ONCE]
        queries = [
            {"version": each.version, "package": {"name": each.name, "ecosystem": each.ecosystem}} for each in some
        ]
        answers = _posted(f"{address}/v1/querybatch", {"queries": queries}).get("results")
        if not isinstance(answers, list) or len(answers) != len(some):
            raise NoAnswer("what it answered is no answer to this")
        for package, answer in zip(some, answers, strict=True):
            if ids := [str(each["id"]) for each in (answer or {}).get("vulns", ())]:
                found[package] = ids
    return found


def _posted(url: str, content: object) -> dict[str, Any]:
    request = urllib.request.Request(
        url, data=json.dumps(content).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:
            told = json.load(answer)
    except (OSError, ValueError) as e:
        status = f" ({e.code})" if isinstance(e, urllib.error.HTTPError) else ""
        raise NoAnswer(f"{type(e).__name__}{status}") from None
    if not isinstance(told, dict):
        raise NoAnswer("what it answered is no answer to this")
    return told


Ask = Callable[[Sequence[Package]], Mapping[Package, Sequence[str]]]


def vulnerabilities(packages: Sequence[Package], ask: Ask) -> tuple[list[str], str]:
    """Those that count, and in one line how the asking went."""
    try:
        known = ask(packages)
    except NoAnswer as e:
        return [], f"not checked: no answer ({e})"
    wrong = []
    for package, ids in sorted(known.items()):
        left = [each for each in ids if each not in audit_rules.ACCEPTED]
        wrong += [f"{package}: {', '.join(left)}"] if left else []
    return wrong, f"{len(packages)} packages, {len(wrong)} with a known vulnerability"


def audit(root: Path, ask: Ask) -> tuple[list[str], list[str], bool]:
    """What is wrong, what there is to tell, and whether vulnerabilities were checked."""
    packages, wrong = set[Package](), list[str]()
    for lock in python_locks(root):
        found, bad = read_python(lock.read_text())
        packages |= found
        wrong += [f"{lock.relative_to(root)}: {each}" for each in bad]
    npm = json.loads(npm_lock(root).read_text())
    found, bad = read_npm(npm)
    packages |= found
    wrong += [f"{npm_lock(root).relative_to(root)}: {each}" for each in bad]
    for declared in (root / "requirements.in", *sorted((root / "images").glob("*.in")), root / "tools" / "sbom.in"):
        wrong += [
            f"{declared.relative_to(root)}: {each}: a place, not a package" for each in unpinned(declared.read_text())
        ]
    refused, untold = refused_licences(licences_of(packages, npm))
    wrong += [f"licence not allowed: {each}" for each in refused]
    vulnerable, how = vulnerabilities(sorted(packages), ask)
    wrong += [f"known vulnerability: {each}" for each in vulnerable]
    told = [
        f"locks: {len(python_locks(root)) + 1}, {len(packages)} packages, each with a version and a hash",
        f"licences: {len(packages) - len(untold) - len(refused)} allowed, of them {len(audit_rules.EXCEPTIONS)} by exception;"
        f" not looked at, for they are not installed here in the locked version: {', '.join(each.name for each in untold) or 'none'}",
        f"known vulnerabilities: {how}",
    ]
    return wrong, told, not how.startswith("not checked")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 when something is wrong, or when --required and vulnerabilities could not be checked."""
    parser = argparse.ArgumentParser(prog="python -m tools.audit", description=__doc__)
    parser.add_argument("--required", action="store_true", help="fail when vulnerabilities cannot be checked")
    parser.add_argument(
        "--osv", default=OSV, metavar="URL", help="another place of the OSV service (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    wrong, told, is_checked = audit(ROOT, lambda packages: ask_osv(packages, address=options.osv))
    for line in told:
        print(f"audit: {line}")
    for line in wrong:
        print(f"audit: WRONG: {line}", file=sys.stderr)
    return 1 if wrong or (options.required and not is_checked) else 0


if __name__ == "__main__":
    sys.exit(main())
