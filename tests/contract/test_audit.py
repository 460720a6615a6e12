"""The audit of what we depend on: it holds for this tree, each thing that could be wrong is found, and no answer is told as no answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tools import audit, audit_rules
from tools.audit import NoAnswer, Package
from tools.house import ROOT

HASH = "--hash=sha256:" + "0" * 64
GOOD = f"# made\nattrs==1.2.3 \\\n    {HASH}\n    # via aiohttp\nzipp==4.0 ; python_version < '3.12' \\\n    {HASH}\n"
ATTRS = Package("PyPI", "attrs", "1.2.3")


def nobody_answers(packages: Sequence[Package]) -> Mapping[Package, Sequence[str]]:
    raise NoAnswer("URLError")


def nothing_is_known(packages: Sequence[Package]) -> Mapping[Package, Sequence[str]]:
    return {}


def test_this_tree_is_locked_by_version_and_hash_and_licensed_as_it_may_be() -> None:
    wrong, told, _ = audit.audit(ROOT, nothing_is_known)
    assert wrong == []
    assert len(told) == 3


def test_every_lock_of_the_tree_is_looked_at() -> None:
    there = {*ROOT.glob("*.lock"), *ROOT.glob("images/*.lock"), *ROOT.glob("tools/*.lock")}
    assert there == set(audit.python_locks())
    assert set(ROOT.glob("*/*/package-lock.json")) == {audit.npm_lock()}


def test_a_sound_lock_is_read() -> None:
    assert audit.read_python(GOOD) == ({ATTRS, Package("PyPI", "zipp", "4.0")}, [])


@pytest.mark.parametrize(
    ("lock", "wrong"),
    [
        (f"attrs>=1.2 \\\n    {HASH}\n", "attrs>=1.2: no exact version"),
        ("attrs==1.2.3\n", "attrs==1.2.3: no hash"),
        (f"attrs @ https://h/attrs.whl \\\n    {HASH}\n", "attrs: no exact version"),
        ("# nothing\n", "nothing is locked in it"),
    ],
)
def test_what_is_wrong_in_a_lock_is_named(lock: str, wrong: str) -> None:
    assert audit.read_python(lock)[1] == [wrong]


@pytest.mark.parametrize(
    ("package", "wrong"),
    [
        ({"version": "1.0.0"}, "x: no hash"),
        ({"version": "1.0.0", "integrity": "sha1-abc"}, "x: no hash"),
        ({"version": "^1.0.0", "integrity": "sha512-abc"}, "x: no exact version"),
    ],
)
def test_what_is_wrong_in_npms_lock_is_named(package: dict[str, str], wrong: str) -> None:
    assert audit.read_npm({"packages": {"": {}, "node_modules/x": package}})[1] == [wrong]


@pytest.mark.parametrize("line", ["x @ git+https://h/x", "git+ssh://h/x", "https://h/x.whl", "-i https://h/simple"])
def test_a_requirement_that_is_a_place_is_named(line: str) -> None:
    assert audit.unpinned(f"attrs>=1\n{line}  # why\n") == [line]


@pytest.mark.parametrize(
    "licence",
    [
        *("MIT", "Apache Software License", "BSD-3-Clause AND 0BSD", "GPL-3.0-only OR MIT", "LGPL-3.0-only", "MPL-2.0"),
        *("LGPL-2.1-or-later", "GNU Lesser General Public License v3", "(Apache-2.0 AND BSD-3-Clause)"),
    ],
)
def test_a_licence_that_lets_us_be_is_allowed(licence: str) -> None:
    assert audit_rules.is_allowed(licence)


@pytest.mark.parametrize(
    "licence",
    [
        *(
            "GPL-3.0-only",
            "AGPL-3.0-or-later",
            "MIT AND GPL-2.0-only",
            "Other/Proprietary License",
            "SSPL-1.0",
            "BUSL-1.1",
        ),
        *("GNU General Public License v3 or later (GPLv3+)", "Something Else", ""),
    ],
)
def test_another_one_is_not(licence: str) -> None:
    assert not audit_rules.is_allowed(licence)


def test_a_package_under_another_licence_is_wrong_also_beside_one_that_is_allowed() -> None:
    told = {ATTRS: ["Apache Software License", "Other/Proprietary License"], Package("npm", "x", "1.0.0"): []}
    assert audit.refused_licences(told) == (
        ["attrs 1.2.3: Apache Software License, Other/Proprietary License"],
        [Package("npm", "x", "1.0.0")],
    )


def test_an_exception_has_a_reason_and_is_needed() -> None:
    locked = {each.name for lock in audit.python_locks() for each in audit.read_python(lock.read_text())[0]}
    assert set(audit_rules.EXCEPTIONS) <= locked
    assert all(len(why) > 20 for why in (*audit_rules.EXCEPTIONS.values(), *audit_rules.ACCEPTED.values()))


def test_a_known_vulnerability_is_wrong_until_somebody_has_said_why_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def known(packages: Sequence[Package]) -> Mapping[Package, Sequence[str]]:
        return {ATTRS: ["GHSA-1", "PYSEC-2"]}

    assert audit.vulnerabilities([ATTRS], known)[0] == ["attrs 1.2.3: GHSA-1, PYSEC-2"]
    monkeypatch.setattr(audit_rules, "ACCEPTED", {"GHSA-1": "looked at", "PYSEC-2": "looked at"})
    assert audit.vulnerabilities([ATTRS], known)[0] == []


def test_no_answer_is_told_and_fails_only_where_an_answer_is_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "ask_osv", lambda packages, address: nobody_answers(packages))
    assert audit.main([]) == 0
    assert "known vulnerabilities: not checked: no answer" in capsys.readouterr().out
    assert audit.main(["--required"]) == 1


class Osv:
    """A service that answers as OSV does, on loopback: who has ``attrs`` in that version has a vulnerability."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.status, self.answer = 200, ""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked += [{**each["package"], "version": each["version"]} for each in told["queries"]]
                found = [
                    {"vulns": [{"id": "GHSA-1"}]} if each["package"]["name"] == "attrs" else {}
                    for each in told["queries"]
                ]
                self.send_response(service.status)
                self.end_headers()
                self.wfile.write((service.answer or json.dumps({"results": found})).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def osv() -> Iterator[Osv]:
    service = Osv()
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_osv_is_asked_for_every_package_and_its_answer_is_read(osv: Osv) -> None:
    others = [Package("npm", f"x{n}", "1.0.0") for n in range(600)]
    assert audit.ask_osv([ATTRS, *others], address=osv.address) == {ATTRS: ["GHSA-1"]}
    assert osv.asked[0] == {"name": "attrs", "ecosystem": "PyPI", "version": "1.2.3"}
    assert len(osv.asked) == 601


@pytest.mark.parametrize(("status", "answer"), [(503, ""), (200, "<html>"), (200, "[]"), (200, '{"results": []}')])
def test_what_is_no_answer_to_the_question_is_no_answer(osv: Osv, status: int, answer: str) -> None:
    osv.status, osv.answer = status, answer
    with pytest.raises(NoAnswer):
        audit.ask_osv([ATTRS], address=osv.address)


def test_a_tree_with_something_wrong_in_it_fails(tmp_path: Path) -> None:
    for path in (*audit.python_locks(), audit.npm_lock(), *ROOT.glob("*.in"), *ROOT.glob("images/*.in")):
        copied = tmp_path / path.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(path.read_text())
    (tmp_path / "tools" / "sbom.in").write_text("thing @ git+https://h/thing\n")
    lock = tmp_path / "images" / "worker.lock"
    lock.write_text(lock.read_text() + "unhashed==1.0\n")
    wrong, _, _ = audit.audit(tmp_path, lambda packages: {ATTRS: ["GHSA-1"]})
    assert wrong == [
        "images/worker.lock: unhashed==1.0: no hash",
        "tools/sbom.in: thing @ git+https://h/thing: a place, not a package",
        "known vulnerability: attrs 1.2.3: GHSA-1",
    ]
