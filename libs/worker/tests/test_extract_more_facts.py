"""Facts beyond the bill: ZIP codes, tickets, errors, products, steps, plans and sizes, as callers say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker.understanding import spoken
from worker.understanding.extract import facts_in

ASK_ZIP = "Thank you. And what is the ZIP code on the account?"
ASK_ACCOUNT = "Could you tell me your account ID, please?"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def fact(name: str, said: str, question: str = "") -> str | None:
    return dict(facts_in(said, question)).get(name)


def steps(said: str, question: str = "") -> set[str]:
    return {value for name, value in facts_in(said, question) if name == "steps_tried"}


# --- the ZIP code -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "nine seven two oh nine", "Nine, seven, two, zero, nine.", "97209", "It's 97209.", "ninety-seven two oh nine", "97,209",
        "9 7 2 0 9", "9-7-2-0-9", "97209-1234", "um, that's 97209, I think", "Oh, nine seven two oh nine.", "Oh 97209", "it's for 97209",
        "97208, no sorry, 97209",
    ],
)  # fmt: skip
def test_a_zip_code_is_heard_when_it_was_asked_for(said: str) -> None:
    assert fact("postal_code", said, ASK_ZIP) == "97209"


@pytest.mark.parametrize(
    "question",
    [
        "I didn't get the ZIP code. It has five digits. What is it?",
        "I'm sorry, I still need the five digits of your ZIP code. Please say them slowly, one at a time.",
        "Of course, take your time with the ZIP code.",
        "That ZIP code and the account A C, 4 7 2 1 don't match in our records. What is the ZIP code, please?",
        "I didn't get the ZIP code. Could you say its five digits, please?",
    ],
)
def test_the_question_that_counts_may_stand_before_the_last_sentence(question: str) -> None:
    assert dict(facts_in("nine seven two oh nine", question)) == {"postal_code": "97209"}


def test_a_question_that_asks_for_something_else_asks_for_no_zip_code() -> None:
    said = "I'm sorry, I can't check the ZIP code right now. Shall I ask a colleague to call you back?"
    assert fact("postal_code", "97209", said) is None


@pytest.mark.parametrize("said", ["My ZIP code is 97209.", "the zip is nine seven two zero nine", "postal code 97209"])
def test_a_zip_code_is_heard_when_it_is_named(said: str) -> None:
    assert fact("postal_code", said) == "97209"


@pytest.mark.parametrize(
    ("said", "question"),
    [("97209", "How can I help you?"), ("9720", ASK_ZIP), ("972091", ASK_ZIP), ("AC4721", ASK_ZIP), ("I paid $97209", ASK_ZIP), ("", ASK_ZIP)],
)  # fmt: skip
def test_what_is_no_zip_code_is_not_guessed(said: str, question: str) -> None:
    assert fact("postal_code", said, question) is None


def test_account_and_zip_come_in_one_breath() -> None:
    for said in ("A C four seven two one, nine seven two oh nine", "AC4721 and the ZIP is 97209", "AC4721, 97209"):
        found = dict(facts_in(said, ASK_ACCOUNT))
        assert (found["account_id"], found["postal_code"]) == ("AC4721", "97209")


def test_four_digits_are_no_account_when_the_zip_was_asked_for() -> None:
    assert fact("account_id", "nine seven two oh", ASK_ZIP) is None
    assert fact("account_id", "The ZIP code on the account is 9 7 2 0 9.") is None


@given(st.text(alphabet="0123456789", min_size=5, max_size=5), st.sampled_from(["words", "digits", "joined"]))
def test_any_zip_code_survives_being_spoken(digits: str, how: str) -> None:
    said = {"words": " ".join(WORDS[int(d)] for d in digits), "digits": " ".join(digits), "joined": digits}[how]
    assert fact("postal_code", f"It's {said}.", ASK_ZIP) == digits


# --- tickets and errors -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("T K three oh two one five", ""), ("TK-30215", ""), ("My ticket number is 30215.", ""), ("It's t. k. 30215", ""),
        ("three zero two one five", "What is the number of your ticket?"),
    ],
)  # fmt: skip
def test_a_ticket_is_heard(said: str, question: str) -> None:
    assert fact("ticket_id", said, question) == "TK-30215"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("I keep getting error five oh three.", "error 503"), ("It shows a 503 error.", "error 503"), ("error code E 1 0 4", "error E104"),
        ("Error 429 all the time", "error 429"), ('Cloud Drive says "disk is full".', "disk is full"), ("I get connection refused", "connection refused"),
        ("My app keeps crashing.", "My app keeps crashing"), ("our backups never finish", "our backups never finish"),
        ("I can't log in to my account", "I can't log in to my account"), ("The sync is stuck since Monday.", "The sync is stuck"),
    ],
)  # fmt: skip
def test_an_error_is_its_code_its_words_or_what_happens(said: str, error: str) -> None:
    assert fact("error_message", said) == error


@pytest.mark.parametrize(
    "said",
    ["The app is working again.", "I was charged twice.", "It still crashes.", "AC4721", "No error at all.", "yes"],
)
def test_what_is_no_error_is_none(said: str) -> None:
    assert fact("error_message", said) is None


@pytest.mark.parametrize(
    ("said", "product"),
    [
        ("The Cloud Drive app is slow.", "Cloud Drive"), ("It's the drive.", "Cloud Drive"), ("my backups fail", "Cloud Backup"),
        ("our A P I", "Cloud API"), ("the API", "Cloud API"), ("Not Cloud Drive, the backup.", "Cloud Backup"),
    ],
)  # fmt: skip
def test_a_product_is_heard_and_the_last_one_counts(said: str, product: str) -> None:
    assert fact("product", said) == product


def test_a_bare_drive_is_the_product_when_products_were_named() -> None:
    assert fact("product", "Drive.", "Is it Cloud Drive, Cloud Backup or the Cloud API?") == "Cloud Drive"
    assert fact("product", "I drive to work.") is None


# --- steps ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "tried"),
    [
        ("I already restarted it and cleared the cache.", {"restarted it", "cleared the cache"}),
        ("I've reinstalled the app and rebooted my router.", {"reinstalled it", "restarted the router"}),
        ("I logged out and back in.", {"signed out and in again"}),
        ("We tried updating to the latest version.", {"updated it"}),
        ("I turned it off and on again.", {"restarted it"}),
        ("I tried another network too.", {"tried another network"}),
    ],
)
def test_steps_that_were_done_are_facts_each(said: str, tried: set[str]) -> None:
    assert steps(said) == tried


@pytest.mark.parametrize(
    "said", ["I haven't restarted it.", "Should I restart it?", "How do I clear the cache?", "I can't reinstall it.", "I don't want to update it."]
)  # fmt: skip
def test_steps_that_were_not_done_are_none(said: str) -> None:
    assert steps(said) == set()


# --- sales ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "question", "size"),
    [
        ("about forty people", "", "40"), ("We're a team of 12.", "", "12"), ("There are sixty of us.", "", "60"), ("We are 35.", "", "35"),
        ("a hundred and twenty employees", "", "120"), ("We need 60 seats.", "", "60"), ("forty", "How many people are you?", "40"),
        ("two dozen", "How many people would use it?", "24"), ("1,200 users", "", "1200"), ("it's just me", "How many people?", "1"),
        ("We'll be thirty people.", "", "30"), ("We will be about forty.", "", "40"), ("A demo for, like, eight people.", "", "8"), ("It's thirty people.", "", "30"),
        ("That would be about a hundred users", "", "100"), ("forty", "Of course, take your time with the number of people.", "40"),
    ],
)  # fmt: skip
def test_a_company_size_is_heard(said: str, question: str, size: str) -> None:
    assert fact("company_size", said, question) == size


@pytest.mark.parametrize(
    "said",
    [
        "There are two charges on my bill.",
        "AC4721",
        "forty",
        "I paid forty dollars.",
        "my team",
        "It's two charges for people like us.",
    ],
)
def test_what_is_no_company_size_is_not_guessed(said: str) -> None:
    assert fact("company_size", said) is None


HOW_MANY = "How many people would use it?"
PRICE = "For 40 people I recommend Cloud Business. That's $6.23 per seat per month, $249 in total. Would you like to see it in a demo?"


@pytest.mark.parametrize(
    ("said", "question", "size"),
    [
        ("between fifty and sixty people", "", "60"), ("Between fifty and sixty.", HOW_MANY, "60"), ("fifty, sixty people", HOW_MANY, "60"),
        ("We are fifty, sixty people.", "", "60"), ("Fifty, sixty.", HOW_MANY, "60"), ("five to ten people", "", "10"),
        ("Forty, in two offices.", HOW_MANY, "40"), ("Fifty, no, forty.", HOW_MANY, "40"), ("Twelve, sorry, nine.", HOW_MANY, "9"),
    ],
)  # fmt: skip
def test_of_two_sizes_the_larger_counts_and_of_a_correction_the_last(said: str, question: str, size: str) -> None:
    assert fact("company_size", said, question) == size


@pytest.mark.parametrize("said", ["AC9047", "A C 9047", "A C nine zero four seven.", "It's account AC9047."])
def test_an_account_in_the_place_of_a_size_is_none(said: str) -> None:
    assert fact("company_size", said, HOW_MANY) is None


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("What if we were twenty?", "20"), ("And if we were a hundred and twenty?", "120"), ("And for twenty?", "20"),
        ("Okay, what about sixty?", "60"), ("What about twenty percent?", None), ("What about the price?", None),
    ],
)  # fmt: skip
def test_another_size_is_asked_about_when_a_price_was_told(said: str, size: str | None) -> None:
    assert fact("company_size", said, PRICE) == size


def test_how_about_ten_is_a_time_when_a_time_was_offered() -> None:
    assert fact("company_size", "How about ten?", "$6.23 per seat. I have Monday at nine. Does that suit you?") is None


def test_the_plan_one_has_and_the_plan_one_wants_are_told_apart() -> None:
    found = dict(facts_in("We're on Cloud Team and want to go to Cloud Business.", ""))
    assert (found["current_plan"], found["interest"]) == ("Cloud Team", "Cloud Business")
    assert fact("current_plan", "I'm on the pro plan.") == "Cloud Pro"
    assert fact("current_plan", "The team plan.", "Which plan do you have?") == "Cloud Team"
    assert fact("interest", "Do you have single sign on?") == "single sign-on"
    assert fact("interest", "I'd like to see a demo.") == "a demo"
    assert fact("interest", "I'm thinking of upgrading.") == "an upgrade"
    assert fact("interest", "Can I get a quote for Cloud Business?") == "Cloud Business"
    assert fact("interest", "Can I get a quote?") == "a quote"


# --- months and numbers -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["It was on march the third.", "on March 3rd", "march the third", "my march bill"])
def test_a_day_names_its_month(said: str) -> None:
    assert fact("date", said) == "March"


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("forty", 40), ("forty two", 42), ("a hundred", 100), ("a hundred and twenty", 120), ("two hundred five", 205), ("1,200", 1200),
        ("two thousand", 2000), ("a dozen", 12), ("15", 15), ("people", None), ("", None), ("a", None), ("two three", None),
        ("fifty sixty", None), ("fifty and sixty", None), ("ten five", None), ("two hundred and fifty six", 256),
    ],
)  # fmt: skip
def test_number_words_are_read(words: str, number: int | None) -> None:
    assert spoken.number(words) == number


@given(st.text(max_size=120), st.sampled_from(["", ASK_ZIP, ASK_ACCOUNT, "How many people?", "What have you tried?"]))
def test_no_words_break_it(said: str, question: str) -> None:
    for name, value in facts_in(said, question):
        assert value == value.strip() != "", name


def test_a_code_that_the_recogniser_wrote_twice_was_said_once() -> None:
    for heard in ("97209 97209", "97209 97209 97209 97209 9"):
        assert dict(facts_in(heard, "And what is the ZIP code on the account?"))["postal_code"] == "97209"
    assert "postal_code" not in dict(facts_in("97209 97210 97209", "And what is the ZIP code on the account?"))
    assert dict(facts_in("4721 4721.", "Could you tell me your account ID, please?"))["account_id"] == "AC4721"
