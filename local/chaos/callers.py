"""The callers of chaos: what they want, in the words of the shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local.caller import Script, load_script
from local.caller.script import Expect
from local.caller.shipped import FOLDER
from local.chaos.replies import GOODBYE, WAIT, Replies, replies_of, reply

_VOICE = "heart"
_WHO_HE_IS = (
    reply(r"account (ID|number)", "My account ID is A, C, four, seven, two, one."),
    reply(r"zip code", "Nine, seven, two, zero, nine."),
)
"""Whoever is misheard may be asked for it."""


@dataclass(frozen=True, slots=True)
class Who:
    """A caller: what he answers, and which service answers him."""

    replies: Callable[[], Replies]
    service: str = "triage"


def _charged_twice() -> Replies:
    return replies_of(load_script(FOLDER / "duplicate_charge.yaml"))


def _asks() -> Replies:
    """Asks the front desk two things, one after the other: some 20 s, longer than most of what strikes him lasts."""
    next_ones = ("What are your opening hours?", GOODBYE)
    asks = reply("anything else|something else|billing, a technical problem, or our plans", *next_ones)
    return Replies("Where is your office?", (asks, *_WHO_HE_IS))


def _asks_billing() -> Replies:
    """The same of billing, on its direct line; none of it needs to know who he is."""
    next_ones = ("When will my money be back?", "What are your opening hours?", "When will I be billed?", GOODBYE)
    asks = reply("anything else|something else|which is it", *next_ones)
    return Replies("Which payment methods do you have?", (asks, *_WHO_HE_IS))


def _has_billing_wait() -> Replies:
    """Is on the line and looks for something, as most who are on a line; then he asks."""
    asks = reply(
        "how can I help|anything else", WAIT, "What are your opening hours?", "When will I be billed?", GOODBYE
    )
    return Replies("Which payment methods do you have?", (asks, *_WHO_HE_IS))


CALLERS = {
    "asks": Who(_asks),
    "asks_billing": Who(_asks_billing, "billing"),
    "has_billing_wait": Who(_has_billing_wait, "billing"),
    "charged_twice": Who(_charged_twice),
    "refund": Who(_charged_twice, "billing"),
}


def like() -> Script:
    """A script with the callers' voice and channel, to render their lines by."""
    return Script(FOLDER, "chaos", "web", _VOICE, (), Expect())
