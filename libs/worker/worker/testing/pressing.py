"""A keypad for tests: a call by telephone, in text, and a room in which keys are pressed, with no LiveKit behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from handoff.call import Channel, Role
from handoff.testing import make_call, make_turn
from livekit import rtc

from worker.telephone.keypad import PAUSE_SECONDS
from worker.telephone.pressing import Pressing
from worker.testing.text_call import TextCall, paper_service, text_call
from worker.testing.told import ToldModel

CALLER = "caller-1"
"""Who the caller of ``handoff.testing.make_call`` is in the room."""
COMPLAINT = "I was charged twice."
"""What he has said before the agent asked."""
ASK_ACCOUNT = "Could you tell me your account ID, please? Or type the four digits on your keypad, then press hash."
ASK_ZIP = "And what is the ZIP code on the account? Or type the five digits on your keypad, then press hash."
YES_OR_NO = "Would you like me to refund it? Or press 1 for yes or 2 for no on your keypad."


class KeyRoom(rtc.EventEmitter[Any]):
    """Whoever listens to a room's keys hears those that a test presses."""

    def press(self, keys: str, *, by: str | None = CALLER) -> None:
        """One after the other, at once; None: a server sent them."""
        sender: Any = SimpleNamespace(identity=by) if by is not None else None
        for key in keys:
            self.emit("sip_dtmf_received", rtc.SipDTMF(code=0, digit=key, participant=sender))


class PhoneCall:
    """A call by telephone whose agent is told what to answer."""

    def __init__(self, call: TextCall) -> None:
        self.text, self.agent, self.room = call, call.agent, KeyRoom()
        room: Any = self.room
        self.pressing = Pressing(call.agent, room)

    async def types(self, keys: str, *, by: str | None = CALLER) -> list[str]:
        """Returns what the agent says until it waits again."""
        before = len(self.text.said)
        self.room.press(keys, by=by)
        await self.settled()
        return self.text.said[before:]

    async def settled(self) -> None:
        """All that was typed has become whatever it becomes."""
        await asyncio.sleep(PAUSE_SECONDS + 0.3)
        await self.text.quiet()

    def speaks_slowly(self, words: str, *, interruptible: bool = True) -> None:
        """The agent is in the middle of this, word by word, 0.4 s each."""

        async def one_by_one() -> AsyncIterator[str]:
            for word in words.split():
                yield f"{word} "
                await asyncio.sleep(0.4)

        self.text.session.say(one_by_one(), allow_interruptions=interruptible)

    @property
    def caller_said(self) -> list[str]:
        """The caller's turns, as the record has them."""
        return [turn.text for turn in self.text.call.turns if turn.role is Role.CALLER]


@asynccontextmanager
async def phone_call(home: Path, brain: ToldModel, asked: str, **given: Any) -> AsyncIterator[PhoneCall]:
    """A call at a desk of paper in an empty folder ``home``, which has just ``asked`` that; nothing was said when that is empty."""
    turns = (make_turn(COMPLAINT), make_turn(asked, role=Role.AGENT)) if asked else ()
    given.setdefault("call", make_call(channel=Channel.PHONE, turns=turns, facts=()))
    async with text_call(paper_service(home), brain, **given) as call:
        yield PhoneCall(call)
