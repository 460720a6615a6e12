"""Evals in YAML: what is read, and how a bad one is told."""

from pathlib import Path

import pytest
from handoff.call import Channel, Ending

from local.eval.conversation import TableChange
from local.eval.find import find, owner
from local.eval.reader import ScriptError, load

GOOD = """\
name: a double charge is refunded
starts_at: billing
channel: phone
spoken: true
away: [technical]
full: [sales]
timeout_seconds: 9
lines:
  - say: I was charged twice.
  - say: by the way, it is AC4721
    while_connecting: true
  - say: yes
    after: refund
    mumbled: true
  - stay_silent: true
expect:
  services: [billing]
  ending: resolved
  carried: {billing: {date: March}}
  facts: {account_id: AC4721}
  says: ['49\\.99']
  effects: []
  database:
    billing:
      refunds: {added: 1, rows: [{amount_cents: 4999}]}
      charges: 2
  asks_once: false
"""
ONE = "lines: [{say: hello}]\nexpect: {ending: resolved}\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="one_eval.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def problems_of(write):
    """Line, what, and what would be right, of each problem."""

    def problems_of(text):
        with pytest.raises(ScriptError) as raised:
            load(write(text))
        return [(p.line, p.what, p.right) for p in raised.value.problems]

    return problems_of


def test_everything_is_read(write):
    (found,) = load(write(GOOD))
    assert (found.name, found.starts_at, found.channel, found.is_spoken) == (
        "a double charge is refunded",
        "billing",
        Channel.PHONE,
        True,
    )
    assert (found.away, found.full, found.timeout_seconds) == ({"technical"}, {"sales"}, 9)
    first, second, third, last = found.lines
    assert (first.say, first.at_line, first.after) == ("I was charged twice.", 9, None)
    assert second.while_connecting and third.mumbled and last.stay_silent
    assert third.after.search("a REFUND")
    expect = found.expect
    assert (expect.services, expect.ending, expect.effects) == (("billing",), Ending.RESOLVED, ())
    assert expect.carried == {"billing": {"date": "March"}}
    assert expect.database["billing"]["refunds"] == TableChange(added=1, rows=({"amount_cents": "4999"},))
    assert expect.database["billing"]["charges"] == TableChange(added=2)
    assert not expect.asks_once


def test_a_conversation_without_a_name_has_its_files(write):
    (found,) = load(write(ONE))
    assert (found.name, found.starts_at) == ("one eval", "triage")
    assert found.expect.asks_once, "asking twice is wrong unless the eval says otherwise"
    assert found.expect.database == {}, "and so is every changed row"


def test_one_file_may_hold_several(write):
    found = load(write(f"name: a\n{ONE}---\nname: b\n{ONE}"))
    assert [(c.name, c.at_line) for c in found] == [("a", 1), ("b", 5)]


def test_several_in_one_file_need_names_of_their_own(problems_of):
    assert problems_of(f"{ONE}---\nname: a\n{ONE}---\nname: a\n{ONE}") == [
        (1, "has no `name`", "several conversations in one file each need a `name:`"),
        (
            8,
            "another conversation of this file is called 'a'",
            "give each conversation of a file a `name:` of its own",
        ),
    ]


@pytest.mark.parametrize(
    ("text", "line", "what", "right"),
    [
        ("", 1, "is empty", "write `lines:`"),
        ("lines: ]", 1, "is not YAML", "indentation"),
        ("expect: {ending: resolved}", 1, "has no `lines`", "write `lines:`"),
        ("lines: [{say: hi}]", 1, "has no `expect`", "what must come of it"),
        (ONE + "starts_at: biling", 3, "`starts_at` is 'biling'", "did you mean `billing`?"),
        (ONE + "full: billing", 3, "`full` is 'billing'", "full: [billing]"),
        (ONE + "away: [cleaning]", 3, "a service of `away` is 'cleaning'", "`billing`"),
        (ONE + "timeout_seconds: 0", 3, "`timeout_seconds` is '0'", "from 1 to 300"),
        ("lines: [{sai: hi}]\nexpect: {}", 1, "this line has no `sai`", "did you mean `say`?"),
        ("lines: [{say: hi, hang_up: true}]\nexpect: {}", 1, "`say` and `hang_up`", "write one"),
        ("lines:\n- hang_up: true\n- say: hi\nexpect: {}", 3, "comes after `hang_up`", "the last line"),
        ("lines:\n- say: hi\n  while_connecting: true\nexpect: {}", 2, "on the first line", "no handoff has begun"),
        ("lines: [{say: hi, after: '('}]\nexpect: {}", 1, "no regular expression", "escape"),
        ("lines: [{say: hi}]\nexpect: {ending: resolvd}", 2, "`ending` is 'resolvd'", "did you mean `resolved`?"),
        ("lines: [{say: hi}]\nexpect: {say: [x]}", 2, "`expect` has no `say`", "did you mean `says`?"),
        ("lines: [{say: hi}]\nexpect: {database: {billing: {refunds: 1.5}}}", 2, "`refunds` is 1.5", "whole number"),
        (
            "lines: [{say: hi}]\nexpect: {database: {billing: {refunds: {rows: [{a: b}]}}}}",
            2,
            "describes more rows",
            "give `added` or `changed`",
        ),
    ],
)
def test_a_bad_one_is_told_with_its_line_and_what_would_be_right(problems_of, text, line, what, right):
    ((found_line, found_what, found_right),) = problems_of(text)
    assert found_line == line
    assert what in found_what
    assert right in found_right


def test_all_problems_are_told_at_once_with_the_file(write):
    path = write("lines: [{say: hi, mumbled: perhaps}]\nexpect: {services: [nobody], ending: never}")
    with pytest.raises(ScriptError) as raised:
        load(path)
    assert str(raised.value).count(f"{path}:") == 3


def test_the_evals_of_a_service_are_its_own_and_those_in_which_it_takes_part(write, tmp_path):
    write(ONE, "services/billing/evals/a.yaml")
    write("lines: [{say: hi}]\nexpect: {services: [triage, billing]}", "tests/evals/b.yaml")
    write("lines: [{say: hi}]\nspoken: true\nexpect: {services: [triage]}", "tests/evals/c.yaml")
    assert [c.name for c in find(root=tmp_path)] == ["a", "b", "c"]
    assert [c.name for c in find(root=tmp_path, only="billing")] == ["a", "b"]
    assert [c.name for c in find(root=tmp_path, spoken=True)] == ["c"]
    assert [owner(c) for c in find(root=tmp_path)] == ["billing", "across", "across"]


def test_the_problems_of_every_file_are_told(write, tmp_path):
    write("", "services/billing/evals/a.yaml")
    write("", "tests/evals/b.yaml")
    with pytest.raises(ScriptError) as raised:
        find(root=tmp_path)
    assert {p.path.name for p in raised.value.problems} == {"a.yaml", "b.yaml"}


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ScriptError, match="cannot be read"):
        find([Path("nowhere.yaml")], root=tmp_path)
