"""The tier's options, read without importing its world."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def add_soundless(
    tiers: Any, levels: Callable[[str], list[int]], positive: Callable[[str], float]
) -> argparse.ArgumentParser:
    """Adds the tier's parser."""
    parser: argparse.ArgumentParser = tiers.add_parser(
        "soundless",
        help="hundreds and thousands at once, without audio",
        description="Real Redis, real gRPC, the real giver, taker, checkpoint and guardian, in one process for each worker; LiveKit, its"
        " rooms and the callers are made up, and are the load generator.",
    )
    add = parser.add_argument
    add(
        "--calls",
        type=levels,
        default=[100, 250, 500, 1000, 2000],
        metavar="N,N",
        help="at once, by level (100,250,500,1000,2000)",
    )
    add(
        "--rate",
        type=positive,
        default=20.0,
        metavar="N",
        help="most calls that begin in a second, while a level fills up (20)",
    )
    add(
        "--minutes",
        type=positive,
        default=0.75,
        metavar="M",
        help="how long a level is measured once it is full (0.75)",
    )
    add(
        "--think",
        type=think,
        default=(8.0, 16.0),
        metavar="S-S",
        help="how long a caller thinks before he speaks (8-16)",
    )
    add("--turns", type=int, choices=range(51), default=4, metavar="N", help="of a caller with a specialist (4)")
    add("--sentence", type=positive, default=2.5, metavar="S", help="how long an agent's sentence is (2.5)")
    add(
        "--second",
        type=float,
        default=20.0,
        metavar="PERCENT",
        help="callers with a second matter for another specialist (20)",
    )
    add(
        "--lease",
        type=positive,
        default=1.0,
        metavar="S",
        help="VOICEMESH_LEASE_SECONDS of the workers (1, as deployed)",
    )
    add(
        "--kills",
        type=int,
        choices=range(10),
        default=1,
        metavar="N",
        help="workers killed after each level that is carried (1)",
    )
    add(
        "--most-response-ms",
        type=positive,
        default=300.0,
        metavar="MS",
        help="a level is carried while the mesh adds no more to an answer at p95 (300)",
    )
    add("--most-gap-ms", type=positive, default=1000.0, metavar="MS", help="and to a change of agent (1000)")
    add("--most-failed", type=float, default=1.0, metavar="PERCENT", help="and no more calls fail (1)")
    add("--all", action="store_true", help="go on after a level that is not carried")
    add("--seed", type=int, default=6, metavar="N", help="of what the callers do (6)")
    return parser


def think(text: str) -> tuple[float, float]:
    """``8-16``. Raises argparse's error."""
    low, dash, high = text.partition("-")
    try:
        found = float(low), float(high if dash else low)
    except ValueError:
        found = (1.0, 0.0)
    if not 0 <= found[0] <= found[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is no pair of seconds, such as 8-16")
    return found
