"""A phone.yaml is read whole or not at all; what is wrong is told at once, each with its line and with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.phone.config import Auth, ConfigError, Line
from gateway.phone.reader import load
from gateway.tests import phone_files
from gateway.tests.phone_files import PASSWORD, SMALL, USERNAME, config_of, variable

CARRIER = "inbound:\n  - name: carrier\n    allowed_addresses: [203.0.113.0/24]\n"


def told(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as found:
        config_of(folder, text)
    return str(found.value)


# --- what is right -----------------------------------------------------------------------------------------------------
def test_the_example_that_is_shipped_is_right() -> None:
    config = load(phone_files.EXAMPLE, variable)
    (carrier,) = config.inbound
    assert [(line.number, line.service) for line in carrier.lines] == [
        ("+15550100000", "triage"),
        ("+15550100010", "billing"),
    ]
    assert carrier.auth == Auth(USERNAME, PASSWORD)
    assert config.outbound is not None
    assert config.outbound.transport == "tls"


def test_what_is_left_out_is_what_protects_the_caller_and_lets_him_not_ring_for_minutes(tmp_path: Path) -> None:
    config = config_of(tmp_path, SMALL)
    (carrier,) = config.inbound
    assert carrier.lines == (Line(number="+15550100000", service="triage"),)
    assert carrier.lines[0].hide_phone_number
    assert carrier.ringing_seconds == 20
    assert (config.name, config.outbound, carrier.auth) == ("main", None, None)


def test_a_number_may_differ_from_its_carrier_and_adds_to_its_attributes(tmp_path: Path) -> None:
    text = CARRIER + (
        "    hide_phone_number: false\n"
        "    attributes: {site: west, line: all}\n"
        "    numbers:\n"
        "      +15550100000: triage\n"
        "      +15550100010: {service: sales, hide_phone_number: true, attributes: {line: offers}}\n"
    )
    one, other = config_of(tmp_path, text).inbound[0].lines
    assert (one.hide_phone_number, one.attributes) == (False, {"site": "west", "line": "all"})
    assert (other.hide_phone_number, other.attributes) == (True, {"site": "west", "line": "offers"})


def test_a_secret_may_stand_in_a_file_of_its_own_beside_the_yaml(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "password").write_text(f"{PASSWORD}\n")
    text = SMALL + "    auth: {username_env: CARRIER_USERNAME, password_file: secrets/password}\n"
    assert config_of(tmp_path, text).inbound[0].auth == Auth(USERNAME, PASSWORD)


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    config = config_of(tmp_path, phone_files.TWO_CARRIERS)
    assert not any(secret in repr(config) for secret in phone_files.VARIABLES.values())
    assert config.secrets == set(phone_files.VARIABLES.values())


# --- what is wrong -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "right"),
    [
        ('"15550100000"', "+15550100000"),
        ('"0015550100000"', "+15550100000"),
        ('"+1 (555) 010-0000"', "+15550100000"),
        ('"+0555"', "+15550100000"),
        ("support", "+15550100000"),
        ('"+1555010000012345"', "+15550100000"),
    ],
)
def test_a_number_that_is_not_e164_is_told_with_how_it_is_written(tmp_path: Path, number: str, right: str) -> None:
    assert f"phone.yaml:5: {number.strip(chr(34))!r} is no number" in (
        found := told(tmp_path, CARRIER + f"    numbers:\n      {number}: triage\n")
    )
    assert found.endswith(right)


@pytest.mark.parametrize(
    ("line", "number", "words"),
    [
        ("    numbers: {+15550100000: biling}", 4, "did you mean `billing`?"),
        ("    numbers: {+15550100000: {servise: billing}}", 4, "did you mean `service`?"),
        ("    numbers: {+15550100000: {hide_phone_number: true}}", 4, "does not say who answers it"),
        ("    numbers: {+15550100000: triage, +15550100000: sales}", 4, "+15550100000 stands on line 4 already"),
        ("    numbers: [+15550100000]", 4, "`number: service` pairs"),
        ("    number: {+15550100000: triage}", 4, "did you mean `numbers`?"),
        ("    numbers: {+15550100000: triage}\n    ringing_seconds: 1", 5, "a whole number from 5 to 180"),
        ("    numbers: {+15550100000: triage}\n    krisp: maybe", 5, "write `true` or `false`"),
        ("    numbers: {+15550100000: triage}\n    media_encryption: required", 5, "did you mean `require`?"),
        ("    numbers: {+15550100000: triage}\n    attributes: {sip.phoneNumber: x}", 5, "LiveKit's own to set"),
        ("    numbers: {+15550100000: triage}\n    attributes: {a b: x}", 5, "no name of an attribute"),
        ("    numbers: {+15550100000: triage}\n    hide_phone_number: perhaps", 5, "write `true` or `false`"),
    ],
)
def test_a_wrong_line_is_told_with_its_number_and_with_what_would_be_right(
    tmp_path: Path, line: str, number: int, words: str
) -> None:
    found = told(tmp_path, f"{CARRIER}{line}\n")
    assert f"phone.yaml:{number}: " in found
    assert words in found


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("203.0.113.7/24", "write 203.0.113.0/24"),
        ("sip.example.com", "203.0.113.0/24"),
        ("203.0.113", "203.0.113.0/24"),
        ("2001:db8::1/32", "write 2001:db8::/32"),
    ],
)
def test_an_address_that_is_none_is_told(tmp_path: Path, address: str, right: str) -> None:
    text = SMALL.replace("203.0.113.0/24", f'"{address}"')
    assert right in told(tmp_path, text)


@pytest.mark.parametrize(
    "host", ["sip:sip.example.com", "me@sip.example.com", "sip.example.com;transport=tls", "a:99999"]
)
def test_an_outbound_address_is_a_host_alone(tmp_path: Path, host: str) -> None:
    assert "which is no host" in told(tmp_path, phone_files.OUTBOUND_ALONE.replace("198.51.100.7", f'"{host}"'))


def test_a_number_that_two_carriers_bring_is_told_with_the_line_where_it_stood_first(tmp_path: Path) -> None:
    second = "  - name: other\n    allowed_addresses: [198.51.100.7]\n    numbers: {+15550100000: sales}\n"
    assert "phone.yaml:9: +15550100000 stands on line 6 already" in told(tmp_path, SMALL + second)


def test_two_carriers_of_one_name_are_told(tmp_path: Path) -> None:
    second = "  - name: carrier\n    allowed_addresses: [198.51.100.7]\n    numbers: {+15550100010: sales}\n"
    assert "another carrier is called 'carrier'" in told(tmp_path, SMALL + second)


def test_numbers_that_anybody_could_call_past_the_carrier_are_told(tmp_path: Path) -> None:
    text = SMALL.replace("    allowed_addresses: [203.0.113.0/24]\n", "")
    assert "anybody on the internet could call" in told(tmp_path, text)


def test_all_that_is_wrong_is_told_at_once_and_in_order(tmp_path: Path) -> None:
    text = (
        "name: Main Street\n"
        "inbound:\n"
        "  - name: carrier\n"
        "    numbers: {15550100000: triage, +15550100010: accounting}\n"
        "    auth: {username_env: CARRIER_USERNAME, password_env: NOT_THERE}\n"
        "outbound:\n"
        "  adress: sip.example.com\n"
        "  transport: carrier pigeon\n"
    )
    with pytest.raises(ConfigError) as found:
        config_of(tmp_path, text)
    assert [problem.line for problem in found.value.problems] == [1, 4, 4, 5, 7, 7, 7, 8]
    assert "phone.yaml:5: the variable that `password_env` names is not set" in str(found.value)


@pytest.mark.parametrize("text", ["", "# nothing\n", "name: main\n", "- a\n", "inbound: []\n"])
def test_a_file_that_describes_no_number_is_told(tmp_path: Path, text: str) -> None:
    assert "phone.yaml:1: " in told(tmp_path, text)


def test_a_file_that_is_not_there_is_told_with_where_one_is_to_begin_with(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"phone\.yaml:1: cannot be read: .*\n.*example\.yaml"):
        load(tmp_path / "phone.yaml", variable)


# --- secrets in the wrong place ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ("{username_env: CARRIER_USERNAME, password: hunter2-secret}", "the password itself stands in this file"),
        ("{username: hunter2-secret, password_env: CARRIER_PASSWORD}", "the username itself stands in this file"),
        ("{username_env: CARRIER_USERNAME, password_env: hunter2-secret}", "is not the name of a variable"),
        ("{username_env: CARRIER_USERNAME, password_env: hunter2secret}", "names is not set"),
        ("{username_env: CARRIER_USERNAME, password_file: hunter2-secret}", "cannot be read"),
        ("{username_env: CARRIER_USERNAME, hunter2-secret: x}", "`auth` has no such key"),
        ("hunter2-secret", "`auth` is no mapping"),
        ("[hunter2-secret]", "`auth` is no mapping"),
        ("{username_env: CARRIER_USERNAME}", "does not say where its password is"),
        (
            "{username_env: CARRIER_USERNAME, password_env: CARRIER_PASSWORD, password_file: hunter2-secret}",
            "stand both",
        ),
        ("{username_env: CARRIER_USERNAME, password_env: *hunter2-secret}", "is not YAML"),
        ("{username_env: CARRIER_USERNAME, password_env: 'hunter2-secret}", "is not YAML"),
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_never_quoted(tmp_path: Path, auth: str, words: str) -> None:
    found = told(tmp_path, f"{SMALL}    auth: {auth}\n")
    assert words in found
    assert "hunter2" not in found


@pytest.mark.parametrize("held", ["", "\n\n", "two\nlines\n", b"\xff\xfe"])
def test_a_file_of_a_secret_that_does_not_hold_one_is_told(tmp_path: Path, held: str | bytes) -> None:
    (tmp_path / "password").write_bytes(held if isinstance(held, bytes) else held.encode())
    text = f"{SMALL}    auth: {{username_env: CARRIER_USERNAME, password_file: password}}\n"
    assert "phone.yaml:7: the file of `password_file`" in told(tmp_path, text)
