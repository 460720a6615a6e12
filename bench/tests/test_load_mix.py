"""A mix is read with what is wrong with it, and dealt in its shares."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.load.mix import DEFAULT, KINDS, BadMix, Dealer, parse, script_of
from local.caller import load_script


def test_the_default_mix_is_a_mix() -> None:
    assert parse(DEFAULT) == {"billing": 40, "technical": 35, "sales": 15, "other": 10}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("billing=50,sales=40", "sums up to 90, not to 100"),
        ("billing=60,sales=60", "sums up to 120"),
        ("", "sums up to 0"),
        ("shipping=100", "no callers for 'shipping'; there are billing"),
        ("billing", "not KIND=PER CENT"),
        ("billing=-5,sales=105", "not KIND=PER CENT"),
        ("billing=50,billing=50", "billing is there twice"),
    ],
)
def test_what_is_wrong_with_a_mix_is_said(text: str, complaint: str) -> None:
    with pytest.raises(BadMix, match=complaint):
        parse(text)


def test_a_share_of_nothing_is_left_out() -> None:
    assert parse("billing=100, sales=0") == {"billing": 100}


def test_shares_are_right_at_any_moment() -> None:
    dealer = Dealer(parse(DEFAULT))
    dealt = [dealer.next() for _ in range(100)]
    assert Counter(dealt) == Counter(parse(DEFAULT))
    assert Counter(dealt[:20]) == {"billing": 8, "technical": 7, "sales": 3, "other": 2}


@pytest.mark.parametrize("kind", KINDS)
def test_the_caller_of_each_kind_can_be_played_and_ends_where_its_kind_says(kind: str) -> None:
    script = load_script(script_of(kind))
    assert script.expect.services == (("triage",) if kind == "other" else ("triage", kind))
