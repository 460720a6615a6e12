"""The renders that most tests look at; each is made once."""

from __future__ import annotations

import pytest

from tests.charts import rendering
from tests.charts.rendering import Rendered

WAYS = {
    "default": (rendering.DEFAULT, "voice-mesh"),
    "trial": (rendering.TRIAL, "voice-mesh"),
    "production": (rendering.PRODUCTION, "voice-mesh"),
    "billing-alone": (rendering.ALONE, "billing"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """For `pytest tests/charts`."""
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write what Helm renders now into tests/charts/golden"
    )


def rendered(way: str) -> Rendered:
    arguments, release = WAYS[way]
    found = rendering.render(*arguments, release=release)
    assert found.ok, found.said
    return found


@pytest.fixture(params=WAYS)
def any_way(request: pytest.FixtureRequest) -> Rendered:
    """Each of the ways in which people install it."""
    return rendered(request.param)


@pytest.fixture
def default() -> Rendered:
    return rendered("default")


@pytest.fixture
def trial() -> Rendered:
    return rendered("trial")


@pytest.fixture
def production() -> Rendered:
    return rendered("production")


@pytest.fixture
def alone() -> Rendered:
    return rendered("billing-alone")
