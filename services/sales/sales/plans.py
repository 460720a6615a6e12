"""The plan that the caller wants a price of, read out of their own words; the one that they only ask about is none.

It is no fact of the call, which has the interest: whoever asked what Cloud Business is, does not want to pay for it yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff.call import Role, Turn
from worker.understanding.extract_sales import current_plan, plans_named

_ASKS = re.compile(
    r"\b(?:what|which|tell me|explain|compare|difference|describe|know|hear|features?|does|is|are|how much|too|isn't|not|n't)\b"
)
_WANTS = re.compile(
    r"\b(?:quote|price for|want|need|buy|order|take|sign up|go (?:to|for|with)|switch|upgrade to|for (?:about |around )?[\w-]+(?: \w+)? (?:people|users|seats|employees))\b"
    r"|^\W*(?:and )?(?:what|how) about\b"
)
_WANTS_NOT = re.compile(r"\b(?:don't|do not|not) (?:want|need)\b|\bnot\b|\binstead of\b|\brather than\b")


def wanted_plan(turns: Sequence[Turn], has: str = "") -> str:
    """``"Cloud Business"`` of "Cloud Business for ten people"; empty when no plan was wanted. Later words win."""
    wanted = ""
    for turn in turns:
        if turn.role is not Role.CALLER:
            continue
        words = turn.text.lower().replace("’", "'")
        named = plans_named(words, current_plan=current_plan(words, "") or has)
        if len(named) == 1 and not _WANTS_NOT.search(words) and (_WANTS.search(words) or not _ASKS.search(words)):
            wanted = named[0]
    return wanted
