"""phone.yaml files for the tests, from small to whole."""

from __future__ import annotations

from pathlib import Path

from gateway.phone.config import PhoneConfig
from gateway.phone.reader import load

EXAMPLE = Path(__file__).parents[1] / "phone" / "example.yaml"
PASSWORD, OTHER_PASSWORD, USERNAME = "correct-horse-battery", "staple-horse-battery", "carrier-account-77"
VARIABLES = {"CARRIER_USERNAME": USERNAME, "CARRIER_PASSWORD": PASSWORD, "OTHER_PASSWORD": OTHER_PASSWORD}

SMALL = """
inbound:
  - name: carrier
    allowed_addresses: [203.0.113.0/24]
    numbers:
      +15550100000: triage
"""
DIRECT_LINES = """
inbound:
  - name: carrier
    allowed_addresses: [203.0.113.0/24]
    numbers:
      +15550100000: triage
      +15550100010: billing
      +15550100020: {service: sales, hide_phone_number: false, attributes: {line: offers}}
"""
SWAPPED = """
inbound:
  - name: carrier
    allowed_addresses: [198.51.100.0/24, 203.0.113.0/24]
    ringing_seconds: 30
    numbers:
      +15550100010: triage
      +15550100000: billing
"""
TWO_CARRIERS = """
inbound:
  - name: one
    auth: {username_env: CARRIER_USERNAME, password_env: CARRIER_PASSWORD}
    krisp: true
    numbers: {+15550100020: technical}
  - name: two
    allowed_addresses: [0.0.0.0/0]
    media_encryption: require
    max_call_seconds: 3600
    numbers: {+15550100000: triage, +442079460000: escalation}
outbound:
  address: sip.example.com:5061
  transport: tls
  numbers: ["+15550100020", "+15550100000"]
  auth: {username_env: CARRIER_USERNAME, password_env: OTHER_PASSWORD}
  media_encryption: allow
"""
OUTBOUND_ALONE = """
outbound:
  address: 198.51.100.7
  numbers: ["+15550100000"]
"""
ALL = {
    "small": SMALL,
    "direct lines": DIRECT_LINES,
    "swapped": SWAPPED,
    "two carriers": TWO_CARRIERS,
    "outbound alone": OUTBOUND_ALONE,
    "example": EXAMPLE.read_text(),
}


def variable(name: str) -> str:
    """Of an environment in which all is set that the files name."""
    return VARIABLES.get(name, "")


def written(folder: Path, text: str) -> Path:
    """A phone.yaml with this in it."""
    path = folder / "phone.yaml"
    path.write_text(text)
    return path


def config_of(folder: Path, text: str) -> PhoneConfig:
    """Read from a file, as it is meant to be."""
    return load(written(folder, text), variable)
