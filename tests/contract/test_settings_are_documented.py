"""`.env.example` tells of every variable that a service reads, with its default, and of none that it does not."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields

from worker.settings import Settings

from local.settings import BRAIN_VARIABLES
from tools.house import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
LINE = re.compile(r"^(?P<off># ?)?(?P<name>[A-Z][A-Z0-9_]+)=(?P<value>.*)$", re.MULTILINE)
OF_OTHERS = {"DATABASE_URL", "VOICEMESH_CAPABILITY_KEY", "VOICEMESH_CACHE_DIR"}
"""Read by every back office, and by the local mesh."""
OF_ONE_OFFICE = re.compile(r"\"((?:BILLING|TECHNICAL|SALES|ESCALATION)_[A-Z_]+)\"")
"""How a back office's settings spell a variable of their own."""


def of_the_offices() -> set[str]:
    settings = [path.read_text() for path in (ROOT / "services").glob("*/*_mcp/settings.py")]
    limits = {name for text in settings for name in OF_ONE_OFFICE.findall(text)}
    return limits | {
        f"{path.name.upper()}_SEED_EXAMPLES" for path in (ROOT / "services").iterdir() if list(path.glob("*_mcp"))
    }


def of_the_ledger() -> set[str]:
    """Those that it shares with the workers, too."""
    text = (ROOT / "libs" / "ledger" / "ledger" / "settings.py").read_text()
    return set(re.findall(r"\"(VOICEMESH_[A-Z_]+|REDIS_URL)\"", text))


def of_scale_down() -> set[str]:
    """Those that it shares with the workers, and those that Kubernetes sets, too."""
    text = (ROOT / "libs" / "scale_down" / "scale_down" / "settings.py").read_text()
    return set(re.findall(r"\"(VOICEMESH_[A-Z_]+|KUBERNETES_[A-Z_]+|POD_[A-Z_]+)\"", text))


def of_the_gateway() -> set[str]:
    """Those that it shares with the workers, too."""
    text = (ROOT / "gateway" / "settings.py").read_text()
    return set(re.findall(r"\"(VOICEMESH_[A-Z_]+|REDIS_URL|LIVEKIT_[A-Z_]+)\"", text))


def spelled() -> dict[str, str]:
    return {match["name"]: match["value"] for match in LINE.finditer(EXAMPLE)}


def test_every_variable_of_a_worker_is_in_the_example() -> None:
    assert {field.metadata["name"] for field in fields(Settings)} - set(spelled()) == set()


def test_every_variable_of_a_back_office_is_in_the_example() -> None:
    assert of_the_offices() - set(spelled()) == set()


def test_every_variable_of_the_ledger_is_in_the_example() -> None:
    assert of_the_ledger() - set(spelled()) == set()


def test_every_variable_of_scale_down_is_in_the_example() -> None:
    assert of_scale_down() >= {"POD_NAMESPACE", "VOICEMESH_SCALE_DOWN_SECONDS"}
    assert of_scale_down() - set(spelled()) == set()


def test_every_variable_of_the_gateway_is_in_the_example() -> None:
    assert of_the_gateway() - set(spelled()) == set()


def test_the_example_holds_no_variable_that_nobody_reads() -> None:
    read = {field.metadata["name"] for field in fields(Settings)} | OF_OTHERS | of_the_offices() | of_the_ledger()
    read |= set(BRAIN_VARIABLES) | of_the_gateway() | of_scale_down()
    assert set(spelled()) - read == set()


def test_the_example_gives_the_default_of_each_variable_that_has_one() -> None:
    for field in fields(Settings):
        if field.default is not MISSING and field.default != "":
            raw = spelled()[field.metadata["name"]]
            assert field.metadata["parse"](raw) == field.default, field.metadata["name"]


def test_the_variables_without_a_default_are_those_one_has_to_set() -> None:
    required = {f.metadata["name"] for f in fields(Settings) if f.default is MISSING and f.default_factory is MISSING}
    uncommented = {match["name"] for match in LINE.finditer(EXAMPLE) if not match["off"]}
    assert uncommented == required
