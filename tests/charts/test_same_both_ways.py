"""A service is the same, whether the umbrella brings it or its team installs it alone."""

from __future__ import annotations

import pytest
import yaml

from tests.charts.rendering import CHARTS, ROOT, SERVICES, Object, render


def of_service(objects: tuple[Object, ...], service: str) -> dict[tuple[str, str], Object]:
    return {
        (one["kind"], one["metadata"]["name"]): one
        for one in objects
        if one["metadata"]["labels"].get("voice-mesh/service") == service
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_umbrella_renders_a_service_as_its_own_chart_does(service: str) -> None:
    alone = render("charts/specialist", "-f", f"services/{service}/values.yaml", release=service)
    together = of_service(render("charts").objects, service)
    assert together == of_service(alone.objects, service)
    assert len(together) == len(alone.objects) == 7, "nothing of it escapes this test for want of a label"


def test_so_it_is_with_a_canary_and_certificates() -> None:
    common = (
        "--set",
        "global.mtls.enabled=true,global.mtls.certManager.enabled=true,global.mtls.certManager.issuerRef.name=x",
    )
    canary = "canary.enabled=true,canary.weight=10,canary.image.tag=2"
    alone = render(
        "charts/specialist", "-f", "services/billing/values.yaml", *common, "--set", canary, release="billing"
    )
    in_umbrella = ",".join(f"billing.{one}" for one in canary.split(","))
    together = render("charts", *common, "--set", in_umbrella)
    assert of_service(together.objects, "billing") == of_service(alone.objects, "billing")


def test_a_service_that_its_team_installs_is_left_out_of_the_umbrella() -> None:
    found = render("charts", "--set", "billing.enabled=false")
    assert found.ok, found.said
    assert of_service(found.objects, "billing") == {}
    assert len(of_service(found.objects, "sales")) == 7
    none = render("charts", "--set", ",".join(f"{name}.enabled=false" for name in SERVICES))
    assert none.ok, none.said
    assert set(none.of("Deployment")) == {"gateway", "ledger"}


def test_what_all_share_is_written_the_same_in_both_charts() -> None:
    """A person reads it in either; Helm takes the umbrella's."""
    ours, theirs = ((CHARTS / path / "values.yaml").read_text() for path in ("", "specialist"))
    begin = "# What all services share"
    assert yaml.safe_load(ours)["global"] == yaml.safe_load(theirs)["global"]
    assert theirs.partition(begin)[2] in ours


@pytest.mark.parametrize("file", ["values.yaml", "values-trial.yaml", "values-production.yaml"])
def test_a_values_file_names_each_service_by_its_own_name(file: str) -> None:
    values = yaml.safe_load((ROOT / "charts" / file).read_text())
    assert set(SERVICES) <= set(values)
