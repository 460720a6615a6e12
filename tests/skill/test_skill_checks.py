"""The checks of the skill's pages can fail: each is shown a mistake of its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.skill import commands, files
from tests.skill.fences import Fence, fences


def page(folder: Path, text: str) -> Path:
    made = folder / "page.md"
    made.write_text(text, encoding="utf-8")
    return made


def block(folder: Path, kind: str, text: str) -> Fence:
    (found,) = fences(page(folder, f"```{kind}\n{text}```\n"))
    return found


def test_blocks_are_found_with_their_kind_line_and_reason(tmp_path: Path) -> None:
    first, second = fences(
        page(tmp_path, "# a\n\n```bash\n# Not run by the tests: no cluster.\nls\n```\n\n~~~\nx\n~~~\n")
    )
    assert (first.line, first.kind, first.reason) == (3, "bash", "no cluster.")
    assert (second.line, second.kind, second.reason) == (8, "", "")


def test_a_block_that_is_not_closed_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"page\.md:2"):
        fences(page(tmp_path, "a\n```python\nx = 1\n"))


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("make nothing-of-this-name", "no such target"),
        ("make eval SPOKN=1", "SPOKN is not used there"),
        ("helm lnt charts/", "no such command"),
        ("helm template x charts/ --no-such-flag", "--no-such-flag"),
        ("helm template x charts/ -f charts/values-none.yaml", "charts/values-none.yaml: no such file"),
        ("python -m local evil", "no such subcommand"),
        ("python -m nothing_of_this_name", "no such module"),
        ("python -m local eval --no-such-flag", "--no-such-flag"),
        ("python script.py", "only modules"),
        ("rm -rf /", "no program of this skill"),
        ("true && python -m local eval tests/evals/none.yaml", "tests/evals/none.yaml"),
    ],
)
def test_a_command_that_is_not_there_is_told(command: str, wrong: str) -> None:
    said = [one for words in commands.simple_commands(command) for one in commands.complaints(words)]
    assert any(word in one for one in said for word in wrong.split("|"))


@pytest.mark.parametrize("command", ["kubectl gett pods", "kubectl get pods --no-such-flag"])
def test_a_command_of_kubectl_that_is_not_there_is_told(command: str) -> None:
    if not commands.kubectl():
        pytest.skip("no kubectl on this machine, and none came with Helm")
    (words,) = commands.simple_commands(command)
    assert commands.complaints(words) != []


@pytest.mark.parametrize(
    "command",
    ["make eval ONLY=billing", "helm template a charts/ --set x=1 | grep x", "kubectl -n a get pods -l app=b -o wide", "python -m local eval --only billing"],
)  # fmt: skip
def test_a_command_that_is_there_passes(command: str) -> None:
    assert [one for words in commands.simple_commands(command) for one in commands.complaints(words)] == []


def test_a_file_that_nobody_reads_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nobody knows"):
        files.reader_of(block(tmp_path, "yaml", "a: 1\n"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("# values of charts/\nbilling: {maxSesions: 3}\n", "maxSesions"),
        ("# values of charts/specialist\nservice: billing\nterminationGracePeriodSeconds: 3\n", "needs 80"),
        ("# livekit.yaml\nagents: {target_load: 0.7}\n", "target_load"),
        ("# livekit.yaml\nwebhook: {api_key: key, urls: ['https://calls.example.com/hooks']}\n", "/webhooks/livekit"),
        (
            "# phone.yaml\ninbound: [{name: carrier, allowed_addresses: [203.0.113.7], numbers: {'+15550100000': biling}}]\n",
            "biling",
        ),
        ("# issuer of docs/operations/install.md\nkind: Issuer\nmetadata: {name: another}\n", "not so in install.md"),
        ("groups: [{name: a, rules: [{alert: A, expr: up, for: 1m, labels: {a: b}}]}]\n", "annotations"),
        ("groups: [{name: a, rules: [{record: 'a:b', expr: 'sum(up'}]}]\n", "a:b"),
    ],
)
def test_a_file_with_a_mistake_is_refused(text: str, wrong: str, tmp_path: Path) -> None:
    fence = block(tmp_path, "yaml", text)
    assert wrong in files.reader_of(fence)(fence.text, tmp_path)
