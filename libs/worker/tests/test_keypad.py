"""Keys become entries, and an entry becomes words only when the agent has asked for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker.telephone.keypad import CHOICE_SECONDS, MAX_DIGITS, PAUSE_SECONDS, Keypad, choices, chosen, told
from worker.understanding.extract import facts_in

ASK_ACCOUNT = "Could you tell me your account ID, please? Or type the four digits on your keypad, then press hash."
ASK_ZIP = "Thank you. And what is the ZIP code on the account? Or type the five digits on your keypad, then press hash."
ASK_TICKET = "What is the number of your ticket? It begins with T K, and you can type the five digits on your keypad, then press hash."
YES_OR_NO = "Would you like me to refund it? Or press 1 for yes or 2 for no on your keypad."
MENU = (
    "Is this about billing, a technical problem, or our plans? Or press 1 for billing, 2 for a technical problem, "
    "or 3 for our plans on your keypad."
)


class Clock:
    """Stands still until a test lets seconds pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ringing: list[tuple[float, Callable[[], None], Clock.Timer]] = []

    class Timer:
        is_cancelled = False

        def cancel(self) -> None:
            self.is_cancelled = True

    def later(self, seconds: float, ring: Callable[[], None]) -> Clock.Timer:
        timer = Clock.Timer()
        self._ringing.append((self.now + seconds, ring, timer))
        return timer

    def passes(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [each for each in self._ringing if each[0] <= until and not each[2].is_cancelled]:
            first = min(due, key=lambda each: each[0])
            self._ringing.remove(first)
            self.now = first[0]
            first[1]()
        self.now = until

    @property
    def waits(self) -> bool:
        return any(not timer.is_cancelled for _, _, timer in self._ringing)


class Typing:
    """A keypad, and the entries that came of it."""

    def __init__(self, *offered: str) -> None:
        self.clock = Clock()
        self.entries: list[str | None] = []
        self.pad = Keypad(self.entries.append, later=self.clock.later, is_choice=offered.__contains__)

    def keys(self, keys: str) -> list[str | None]:
        for key in keys:
            self.pad.press(key)
        return self.entries


# --- entries ----------------------------------------------------------------------------------------------------------
def test_hash_ends_an_entry() -> None:
    assert Typing().keys("4721#97209#") == ["4721", "97209"]


def test_a_pause_ends_an_entry_and_keys_before_it_go_on_with_it() -> None:
    typing = Typing()
    for key in "4721":
        typing.keys(key)
        typing.clock.passes(PAUSE_SECONDS - 0.1)
    assert typing.entries == []
    typing.clock.passes(0.2)
    assert typing.entries == ["4721"]


def test_a_key_that_was_offered_is_not_waited_for_as_long_as_a_number() -> None:
    typing = Typing("1")
    typing.keys("1")
    typing.clock.passes(CHOICE_SECONDS)
    assert typing.entries == ["1"]


def test_a_number_that_begins_with_an_offered_key_is_one_number() -> None:
    typing = Typing("1")
    typing.keys("1")
    typing.clock.passes(CHOICE_SECONDS - 0.1)
    typing.keys("058")
    typing.clock.passes(PAUSE_SECONDS)
    assert typing.entries == ["1058"]


def test_star_takes_back_what_was_typed() -> None:
    typing = Typing()
    assert typing.keys("999*4721#") == ["4721"]
    typing.keys("12*")
    typing.clock.passes(PAUSE_SECONDS)
    assert typing.entries == ["4721"]


@pytest.mark.parametrize("keys", ["#", "*", "##", "*#", "ABCD", "A#"])
def test_keys_without_a_digit_are_no_entry(keys: str) -> None:
    typing = Typing()
    typing.keys(keys)
    typing.clock.passes(PAUSE_SECONDS)
    assert typing.entries == []
    assert not typing.pad.is_typing


@pytest.mark.parametrize("key", ["", "12", "1#", "１", "x" * 1000])
def test_what_is_no_key_of_a_telephone_is_ignored(key: str) -> None:
    typing = Typing()
    typing.pad.press(key)
    assert not typing.pad.is_typing
    assert not typing.clock.waits


def test_the_longest_number_that_is_asked_for_passes() -> None:
    assert Typing().keys("1234567890#") == ["1234567890"]


def test_of_a_longer_number_nothing_is_kept_from_the_moment_it_is_too_long() -> None:
    typing = Typing()
    typing.keys("12345678901")
    assert typing.pad._digits == ""
    typing.keys("23456")
    assert typing.pad._digits == ""
    assert typing.pad.is_typing
    typing.clock.passes(PAUSE_SECONDS)
    assert typing.entries == [None]


def test_after_a_number_that_was_too_long_the_next_one_is_taken() -> None:
    assert Typing().keys("4111111111111111#4721#") == [None, "4721"]
    assert Typing().keys("4111111111111111*4721#") == ["4721"]


def test_nothing_rings_after_it_was_cleared() -> None:
    typing = Typing()
    typing.keys("47")
    typing.pad.clear()
    assert not typing.clock.waits
    assert not typing.pad.is_typing


KEYS = st.text(alphabet="0123456789*#", max_size=60)
STEPS = st.lists(st.tuples(KEYS, st.sampled_from([0.0, 0.5, CHOICE_SECONDS, PAUSE_SECONDS])), max_size=12)


@given(STEPS)
def test_whatever_is_typed_no_entry_is_empty_or_longer_than_a_question_asks_for(
    steps: list[tuple[str, float]],
) -> None:
    typing = Typing("1", "2")
    for keys, seconds in steps:
        typing.keys(keys)
        assert len(typing.pad._digits) <= MAX_DIGITS
        typing.clock.passes(seconds)
    typing.clock.passes(PAUSE_SECONDS)
    assert all(entry is None or 1 <= len(entry) <= MAX_DIGITS for entry in typing.entries)
    assert not typing.pad.is_typing
    assert not typing.clock.waits, "a timer that nobody needs"


@given(st.text(alphabet="0123456789", min_size=MAX_DIGITS + 1, max_size=40), st.data())
def test_no_part_of_a_card_number_comes_out_wherever_its_typist_hesitates(number: str, data: st.DataObject) -> None:
    typing = Typing("1", "2")
    typing.keys(number[:2])  # one key alone may be an answer
    for key in number[2:]:
        typing.clock.passes(data.draw(st.sampled_from([0.0, 0.5, CHOICE_SECONDS, PAUSE_SECONDS - 0.1])))
        typing.keys(key)
    typing.clock.passes(PAUSE_SECONDS)
    assert typing.entries == [None]


# --- what an entry means ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "offered"),
    [
        (YES_OR_NO, {"1": "yes", "2": "no"}),
        (MENU, {"1": "billing", "2": "a technical problem", "3": "our plans"}),
        ("Press one for yes, two for no.", {"1": "yes", "2": "no"}),
        ("Please say yes or no, or press 1 for yes or 2 for no on your keypad.", {"1": "yes", "2": "no"}),
        ("Would you like me to refund it? Or press 1 for yes or", {"1": "yes"}),
        ("Would you like me to refund it? Or press 1 for yes or 2", {"1": "yes"}),
        ("Would you like me to refund it? Or press 1 for yes or 2 for", {"1": "yes"}),
        ("Would you like me to refund it? Or press 1 for", {}),
        ("We have three plans: 1 for one person, 2 for ten.", {}),
        ("Press hash when you are done. 1 for all.", {}),
        (ASK_ACCOUNT, {}),
        ("", {}),
    ],
)
def test_what_an_agent_offers_is_read_out_of_its_words(said: str, offered: dict[str, str]) -> None:
    assert choices(said) == offered


def test_an_offered_key_is_said_as_what_it_stands_for() -> None:
    assert [chosen(key, MENU) for key in "123"] == ["Billing.", "A technical problem.", "Our plans."]
    assert (chosen("4", MENU), chosen("11", MENU), chosen("1", ASK_ACCOUNT)) == ("", "", "")


@pytest.mark.parametrize(
    ("digits", "question", "words", "fact"),
    [
        ("4721", ASK_ACCOUNT, "My account ID is A C, 4 7 2 1.", ("account_id", "AC4721")),
        ("97209", ASK_ZIP, "The ZIP code is 9 7 2 0 9.", ("postal_code", "97209")),
        ("30215", ASK_TICKET, "The ticket number is T K, 3 0 2 1 5.", ("ticket_id", "TK-30215")),
    ],
)
def test_a_code_that_was_asked_for_is_told_in_words_that_are_understood(
    digits: str, question: str, words: str, fact: tuple[str, str]
) -> None:
    assert told(digits, question) == words
    assert fact in facts_in(words, question)
    assert fact in facts_in(words, "")


@pytest.mark.parametrize(
    ("digits", "question"),
    [
        ("472", ASK_ACCOUNT),
        ("97209", ASK_ACCOUNT),
        ("4721", ASK_ZIP),
        ("4721", YES_OR_NO),
        ("97209", MENU),
        ("4721", "How can I help you today?"),
        ("97209", ""),
        ("5035550100", "What number can we reach you at?"),
    ],
)
def test_what_was_not_asked_for_is_told_to_nobody(digits: str, question: str) -> None:
    assert told(digits, question) == ""


@given(st.from_regex(r"[0-9]{4}", fullmatch=True))
def test_any_account_can_be_typed(digits: str) -> None:
    assert ("account_id", f"AC{digits}") in facts_in(told(digits, ASK_ACCOUNT), ASK_ACCOUNT)


@given(st.from_regex(r"[0-9]{5}", fullmatch=True))
def test_any_zip_code_can_be_typed(digits: str) -> None:
    assert ("postal_code", digits) in facts_in(told(digits, ASK_ZIP), ASK_ZIP)
