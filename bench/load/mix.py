"""Which callers come, in which shares: `billing=40,technical=35,sales=15,other=10`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

KINDS = ("billing", "technical", "sales", "other")
"""What a caller is there for. ``other`` is what the front desk answers itself."""
DEFAULT = "billing=40,technical=35,sales=15,other=10"
_CALLERS = Path(__file__).with_name("callers")


class BadMix(ValueError):
    """What is wrong with a mix, and how one is written."""


def parse(text: str) -> dict[str, int]:
    """Per cent of each kind. Raises BadMix."""
    shares: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        kind, equals, share = (piece.strip() for piece in part.partition("="))
        if not equals or not share.isdecimal():
            raise BadMix(f"{part!r} is not KIND=PER CENT; a mix is written so: {DEFAULT}")
        if kind not in KINDS:
            raise BadMix(f"no callers for {kind!r}; there are {', '.join(KINDS)}")
        if kind in shares:
            raise BadMix(f"{kind} is there twice")
        shares[kind] = int(share)
    if (total := sum(shares.values())) != 100:
        raise BadMix(f"the mix sums up to {total}, not to 100; one is written so: {DEFAULT}")
    return {kind: share for kind, share in shares.items() if share}


def script_of(kind: str) -> Path:
    """The caller of that kind, who can be played again and again: it changes nothing in any back office."""
    return _CALLERS / f"{kind}.yaml"


class Dealer:
    """Deals kinds so that their shares are right at any moment, not only in the long run: no chance is in it."""

    def __init__(self, mix: Mapping[str, int]) -> None:
        self._mix = dict(mix)
        self._dealt: Counter[str] = Counter()

    def next(self) -> str:
        """The kind that is furthest behind its share."""
        number = self._dealt.total() + 1
        kind = max(self._mix, key=lambda kind: self._mix[kind] * number / 100 - self._dealt[kind])
        self._dealt[kind] += 1
        return kind
