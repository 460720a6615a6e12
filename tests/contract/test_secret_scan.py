"""No tracked file holds a secret; one that is planted is found, and what is allowed is allowed for a reason."""

from __future__ import annotations

import secrets
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tools import secret_scan
from tools.house import ROOT
from tools.secret_scan import ALLOWED, judged, read_allowed, scan, scan_text, tracked

RANDOM = "q7Zp2Lx9Vd4Tn8Rb1Kw6Yc3M"
"""Put together below, so that this file holds nothing that looks like a secret."""
PLANTED = {
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "key of a model provider": "sk-" + "proj-" + RANDOM,
    "key of AWS": "AKIA" + "Q7ZP2LX9VD4TN8RB",
    "token of GitHub": "ghp_" + RANDOM + RANDOM,
    "token of GitLab": "glpat-" + RANDOM,
    "token of Slack": "xoxb-" + RANDOM,
    "key of Google": "AIza" + RANDOM + RANDOM[:11],
    "key of Stripe": "sk_live_" + RANDOM,
    "key of LiveKit": "LIVEKIT_API_KEY is API" + RANDOM + " with its secret",
    "token of npm or PyPI": "npm_" + RANDOM + RANDOM,
    "signed token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiJBQzQ3MjEifQ." + RANDOM,
    "password in an address": "redis://billing:" + RANDOM + "@redis:6379/0",
    "secret by its name": "VOICEMESH_GATEWAY_SECRET" + "=" + RANDOM,
}


def test_no_tracked_file_holds_a_secret_and_the_list_holds_nothing_that_is_not_needed() -> None:
    findings, unneeded = judged(scan(ROOT, tracked(ROOT)), read_allowed((ROOT / ALLOWED).read_text()))
    assert [str(each) for each in findings] == []
    assert unneeded == []


def test_every_kind_has_an_example() -> None:
    assert set(PLANTED) == set(secret_scan.KINDS)


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found_and_not_printed_whole(kind: str) -> None:
    findings = list(scan_text("charts/values.yaml", f"a: 1\nb: '{PLANTED[kind]}'\n"))
    assert kind in {each.kind for each in findings}
    assert {each.line for each in findings} == {2}
    assert RANDOM not in "".join(map(str, findings))


@pytest.mark.parametrize(
    "text",
    [
        "secret=VOICEMESH_GATEWAY_SECRET",
        "token = make_a_token_for_the_caller(room)",
        "password: ${LEDGER_DATABASE_PASSWORD:?run make env-file}",
        "redis://billing:password@redis:6379/0",
        "redis://${USER}:${PASSWORD}@redis:6379/0",
        "sk-learn is a package",
        "api_key: aaaaaaaaaaaaaaaaaaaaaaaa1",
        "--hash=sha256:" + sha256(b"x").hexdigest(),
    ],
)
def test_what_only_speaks_of_secrets_is_no_finding(text: str) -> None:
    assert list(scan_text("a.py", text)) == []


def test_it_is_found_in_a_repository_by_the_command(tmp_path: Path) -> None:
    """A file that git would take counts as well as one that it has; one that is ignored does not."""
    subprocess.run(("git", "init", "--quiet", str(tmp_path)), check=True)
    planted = secrets.token_hex(24)
    (tmp_path / ".gitignore").write_text(".env\n")
    (tmp_path / ".env").write_text(f"VOICEMESH_GATEWAY_SECRET={planted}\n")
    (tmp_path / "picture.png").write_bytes(b"\0" + planted.encode())
    assert list(scan(tmp_path, tracked(tmp_path))) == []
    (tmp_path / "notes.md").write_text(f"the gateway's token: {planted}\n")
    (found,) = scan(tmp_path, tracked(tmp_path))
    assert (found.path, found.kind) == ("notes.md", "secret by its name")


def test_what_is_allowed_is_allowed_in_its_file_alone_and_by_its_text() -> None:
    (found,) = scan_text("tests/a.py", PLANTED["secret by its name"])
    allowed = read_allowed(f"# why\n{found.digest} tests/a.py made up for a test\n")
    (elsewhere,) = scan_text("charts/a.yaml", PLANTED["secret by its name"])
    assert judged([found], allowed) == ([], [])
    assert judged([elsewhere], allowed) == ([elsewhere], [f"{found.digest} tests/a.py"])
    assert judged([found], read_allowed("* tests/a.py made by the test\n")) == ([], [])


@pytest.mark.parametrize("line", ["0123456789abcdef tests/a.py", "secret tests/a.py because", "* because"])
def test_a_line_without_a_reason_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="why it is no secret"):
        read_allowed(line)


def test_the_command_is_green_for_this_tree() -> None:
    command = (sys.executable, "-m", "tools.secret_scan")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
