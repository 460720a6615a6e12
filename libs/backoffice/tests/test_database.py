"""The schema at start: made, brought up to date, and filled with examples only when there is nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from backoffice.customers import CUSTOMERS, PLANS, PRODUCTS
from backoffice.database import Database, DatabaseUnusable
from backoffice.rows import Customer, SharedRow
from backoffice.settings import Settings
from backoffice.testing import opened, schema_differences
from parcels_mcp.office import Parcel, Row, examples
from sqlalchemy import delete, func, select


def prepare(database_url: str, *, seed_examples: bool = True) -> None:
    settings = Settings(database_url=database_url, seed_examples=seed_examples)
    database = Database(settings, package="parcels_mcp", seed=examples)
    database.prepare()
    database.close()


def count(database_url: str) -> tuple[int | None, int | None]:
    with opened(Settings(database_url=database_url), package="parcels_mcp") as database, database.reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (Customer, Parcel))  # type: ignore[return-value]


def test_the_migrations_make_what_the_rows_describe(database_url: str) -> None:
    prepare(database_url)
    assert schema_differences(database_url, SharedRow.metadata, Row.metadata) == []


def test_an_empty_database_gets_the_examples_and_a_second_start_changes_nothing(database_url: str) -> None:
    for _ in range(2):
        prepare(database_url)
        assert count(database_url) == (len(CUSTOMERS), len(CUSTOMERS))


def test_examples_are_a_choice(database_url: str) -> None:
    prepare(database_url, seed_examples=False)
    assert count(database_url) == (0, 0)


def test_examples_never_come_to_real_rows(database_url: str) -> None:
    """A table that an update adds is empty beside a real company's own: its customers must not become ours."""
    prepare(database_url)
    with opened(Settings(database_url=database_url), package="parcels_mcp") as database, database.writing() as session:
        session.execute(delete(Parcel).where(Parcel.account_id != "AC4721"))
        session.execute(delete(Customer).where(Customer.account_id != "AC4721"))
    prepare(database_url)
    assert count(database_url) == (1, 1)


def test_a_database_is_ready_once_it_has_the_schema(database_url: str) -> None:
    with opened(Settings(database_url=database_url), package="parcels_mcp") as database:
        assert not database.ping()
        database.prepare()
        assert database.ping()


@pytest.mark.parametrize(
    "address", ["sqlite:////no/such/folder/x.db", "postgresql+nodriver://me:s3cret@h/x", "oracle://h/x"]
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(address: str) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        prepare(address)
    assert "s3cret" not in str(refused.value)


def test_there_are_enough_customers_and_each_is_itself() -> None:
    assert len(CUSTOMERS) >= 200
    assert len({c.account_id for c in CUSTOMERS}) == len({c.name for c in CUSTOMERS}) == len(CUSTOMERS)
    assert {c.plan for c in CUSTOMERS} == set(PLANS)
    assert {c.product for c in CUSTOMERS} == set(PRODUCTS)


def test_customers_can_be_spelled_on_a_bad_line() -> None:
    for number, customer in enumerate(CUSTOMERS):
        # AC3344 is older than the rule.
        said = [customer.postal_code] if number < 10 else [customer.postal_code, customer.account_id[2:]]
        assert all(a != b for digits in said for a, b in pairwise(digits)), customer.account_id
        assert len(customer.postal_code) == 5
        assert bool(customer.company) == (customer.plan != "Cloud Pro")


def test_the_first_ten_are_as_they_were() -> None:
    assert [(c.account_id, c.postal_code) for c in CUSTOMERS[:10]] == [
        ("AC4721", "97209"),
        ("AC1058", "60614"),
        ("AC2390", "73102"),
        ("AC3344", "30318"),
        ("AC5867", "94107"),
        ("AC6102", "98052"),
        ("AC7215", "80205"),
        ("AC8136", "10253"),
        ("AC9047", "37206"),
        ("AC1963", "85018"),
    ]
