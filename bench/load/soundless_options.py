"""Options of the soundless tier, read without importing its world."""

from __future__ import annotations

import argparse
from typing import Any


def add_soundless(tiers: Any) -> argparse.ArgumentParser:
    """Adds the tier's parser."""
    parser: argparse.ArgumentParser = tiers.add_parser(
        "soundless", help="hundreds and thousands at once, without audio"
    )
    return parser
