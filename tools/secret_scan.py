"""Looks for secrets in every tracked file: `python -m tools.secret_scan`. Part of `make audit`, and of the contract tests.

What looks like a key of a known kind, a private key, a password in an address, or a long random text behind a name such as ``secret`` or
``token`` is a finding. What is none stands in secrets.allowed, one line each: a hash of the text, the file, and why. The hash, so that the list
holds no secret itself; the file, so that what is allowed in a test is not allowed in a chart. ``*`` for the hash is all of a file that is made.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.house import ROOT

ALLOWED = "tools/secrets.allowed"
_MOST_BYTES = 2_000_000
"""Larger files are sound and models."""
KINDS: Mapping[str, re.Pattern[str]] = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "key of a model provider": re.compile(r"\b(sk-(?:proj-|ant-|live-)?[A-Za-z0-9_-]{20,})"),
    "key of AWS": re.compile(r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b"),
    "token of GitHub": re.compile(r"\b((?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{30,})"),
    "token of GitLab": re.compile(r"\b(glpat-[A-Za-z0-9_-]{20,})"),
    "token of Slack": re.compile(r"\b(xox[abprs]-[A-Za-z0-9-]{10,})"),
    "key of Google": re.compile(r"\b(AIza[A-Za-z0-9_-]{35})"),
    "key of Stripe": re.compile(r"\b([rs]k_(?:live|test)_[A-Za-z0-9]{16,})"),
    "key of LiveKit": re.compile(r"\b(API[A-Za-z0-9]{12,})\b(?=.{0,40}(?i:secret|key|livekit))"),
    "token of npm or PyPI": re.compile(r"\b(npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,})"),
    "signed token": re.compile(r"\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"),
    "password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@\"'`{}$<>]*:([^\s:/@\"'`{}$<>]{6,})@"),
    "secret by its name": re.compile(
        r"(?i)(?:secret|token|passw(?:or)?d|api_?key|private_?key|credential)[a-z_]*[\"'`]?\s*[:=]\s*[\"'`]?([A-Za-z0-9+/_=.-]{16,})"
    ),
}
"""By their names in what is printed. The first group is the secret, where it is not the whole."""
_NOT_OURS = {".git", ".venv", ".run", "node_modules", "__pycache__"}
PLACEHOLDERS = frozenset({"secret", "s3cret", "s3cret%2F", "password"})
"""What stands for a secret in documents and tests."""
_LEAST_BITS = 3.3
"""Entropy of a character, of what is only known by the name before it: words and names of variables have less, random text has more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks like a secret. It is never printed whole."""

    path: str
    line: int
    kind: str
    digest: str
    """The first 16 characters of its SHA-256: what secrets.allowed names it by."""
    hint: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind} ({self.hint}); {self.digest}"


def scan_text(path: str, text: str) -> Iterator[Finding]:
    """What looks like a secret in it."""
    for number, line in enumerate(text.splitlines(), start=1):
        seen = set[str]()
        for kind, pattern in KINDS.items():
            for match in pattern.finditer(line):
                secret = match[match.lastindex or 0]
                if secret in seen | PLACEHOLDERS or (kind == "secret by its name" and not _is_random(secret)):
                    continue
                seen.add(secret)
                digest = hashlib.sha256(secret.encode()).hexdigest()[:16]
                yield Finding(path, number, kind, digest, f"{secret[:4]}... of {len(secret)} characters")


def _is_random(text: str) -> bool:
    """Neither words, nor the name of a variable or of a function, nor one character again and again."""
    has_all = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return has_all and bits >= _LEAST_BITS


def tracked(root: Path) -> list[str]:
    """Every file that git has, or would take; outside of a clone all but what is installed or left behind by a run."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if listed.returncode != 0:
        files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return sorted(str(path) for path in files if not _NOT_OURS & set(path.parts))
    return sorted({name.decode() for name in listed.stdout.split(b"\0") if name})


def scan(root: Path, paths: Iterable[str]) -> Iterator[Finding]:
    """The findings of these files; what is no text is passed over."""
    for path in paths:
        file = root / path
        if not file.is_file() or file.is_symlink() or file.stat().st_size > _MOST_BYTES:
            continue
        content = file.read_bytes()
        if b"\0" not in content[:8192]:
            yield from scan_text(path, content.decode(errors="replace"))


def read_allowed(text: str) -> dict[tuple[str, str], str]:
    """(digest, path) -> why. Raises ValueError for a line without a reason."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(maxsplit=2)
        if len(parts) != 3 or not re.fullmatch(r"[0-9a-f]{16}|\*", parts[0]):
            raise ValueError(f"{ALLOWED}:{number}: give the hash, the file, and why it is no secret")
        found[parts[0], parts[1]] = parts[2]
    return found


def judged(findings: Iterable[Finding], allowed: Mapping[tuple[str, str], str]) -> tuple[list[Finding], list[str]]:
    """Findings that nobody has allowed, and lines of the list that nothing needs any more."""
    found = list(findings)
    needed = {(name, each.path) for each in found for name in (each.digest, "*")}
    return (
        [each for each in found if not {(each.digest, each.path), ("*", each.path)} & allowed.keys()],
        [f"{digest} {path}" for digest, path in allowed if (digest, path) not in needed],
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 when there is a finding, or a line of the list that is not needed."""
    argparse.ArgumentParser(prog="python -m tools.secret_scan", description=__doc__).parse_args(argv)
    paths = tracked(ROOT)
    findings, unneeded = judged(scan(ROOT, paths), read_allowed((ROOT / ALLOWED).read_text()))
    for each in findings:
        print(f"secret scan: {each}", file=sys.stderr)
    for line in unneeded:
        print(f"secret scan: {ALLOWED} has a line that nothing needs: {line}", file=sys.stderr)
    if findings:
        print(
            f"secret scan: is it a secret, change it where it is used, then take it out. Is it none, write its hash, its file and why into {ALLOWED}",
            file=sys.stderr,
        )
    print(f"secret scan: {len(paths)} files, {len(findings)} findings")
    return 1 if findings or unneeded else 0


if __name__ == "__main__":
    sys.exit(main())
