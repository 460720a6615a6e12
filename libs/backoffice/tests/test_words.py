"""Accounts, months and amounts as callers and models write them."""

import pytest
from backoffice import words


@pytest.mark.parametrize(
    "said", ["AC4721", "ac 4721", "a c 4 7 2 1", "AC-4721", "a.c. four seven two one", "A C 4 7 two 1"]
)
def test_an_account_id_is_read_however_it_is_written(said: str) -> None:
    assert words.account_id(said) == "AC4721"


@pytest.mark.parametrize("said", ["", "4721", "AC472", "AC47211", "BC4721", "AC4721; DROP TABLE accounts"])
def test_what_is_no_account_id_is_refused_in_words_an_agent_can_say(said: str) -> None:
    with pytest.raises(words.Unreadable, match="letters A C and four digits") as refused:
        words.account_id(said)
    assert "DROP" not in str(refused.value)


@pytest.mark.parametrize("said", ["march", "March", "Mar", "2026-03", "2026-03-14", "3", "my March invoice"])
def test_a_month_is_read_however_it_is_written(said: str) -> None:
    assert words.month(said).number == 3


def test_a_year_is_kept_when_it_is_said() -> None:
    assert words.month("March 2025") == words.Month(3, 2025)


@pytest.mark.parametrize("said", ["", "soon", "13", "2026-13", "ma"])
def test_what_is_no_month_is_refused(said: str) -> None:
    with pytest.raises(words.Unreadable, match="such as March"):
        words.month(said)


@pytest.mark.parametrize("said", ["INV-2026-03-0417", "inv 2026 03 0417", "inv2026030417"])
def test_an_invoice_number_is_read_however_it_is_written(said: str) -> None:
    assert words.invoice_number(said) == "INV-2026-03-0417"


@pytest.mark.parametrize(
    ("said", "cents"), [("49.99", 4999), ("$49.99", 4999), (49.99, 4999), (50, 5000), ("1,249.50", 124950)]
)
def test_money_becomes_whole_cents(said: str | float, cents: int) -> None:
    assert words.cents(said) == cents


@pytest.mark.parametrize("said", ["", "lots", "-1", "0", "nan", "inf", "1e400", "49.999", float("nan"), float("inf")])
def test_what_is_no_amount_of_money_is_refused(said: str | float) -> None:
    with pytest.raises(words.Unreadable, match="dollars and cents"):
        words.cents(said)


def test_cents_become_money() -> None:
    assert [words.money(c) for c in (4999, 5000, 5)] == ["49.99", "50.00", "0.05"]


@pytest.mark.parametrize("said", ["97209", "nine seven two oh nine", "9 7 2 0 9", "97209-1234", "nine 72 oh 9"])
def test_a_zip_code_is_read_however_it_is_said(said: str) -> None:
    assert words.postal_code(said) == "97209"


@pytest.mark.parametrize("said", ["", "9720", "972090", "Portland", "97209; DROP TABLE customers"])
def test_what_is_no_zip_code_is_refused(said: str) -> None:
    with pytest.raises(words.Unreadable, match="five digits"):
        words.postal_code(said)


def test_a_date_is_read_and_said() -> None:
    assert words.spoken_date(words.date("2026-03-14")) == "March 14"


@pytest.mark.parametrize("said", ["", "soon", "2026-13-01", "20260230"])
def test_what_is_no_date_is_refused(said: str) -> None:
    with pytest.raises(words.Unreadable, match="such as 2026-03-14"):
        words.date(said)
