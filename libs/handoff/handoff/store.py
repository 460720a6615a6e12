"""Where calls, handoffs and the floor live: the Protocol that MemoryStore and RedisStore both keep.

Every write that needs the floor takes the writer's ``epoch`` and raises FloorLost when it is overtaken, or when the call has
ended. All times are seconds; "now" is the store's own clock (Redis's TIME), never the caller's. What is malformed or too large
is refused with InvalidContext when it is written, with WireMismatch when a stored record cannot be read.

What a guardian needs is here too (``overdue``, ``seize_floor``), and what the services share: callbacks, lines, who is on duty,
which workers there are, breakers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from handoff.call import Call, Ending, Floor
from handoff.canary import Canary
from handoff.context import HandoffContext
from handoff.ledger import CallbackTicket, DoneCallback, DueCallback, LedgerLine
from handoff.lifecycle import State

UNHELD_SECONDS = 10.0
"""A call that was opened and that nobody ever held is overdue after this: an agent needs about 0.6 s from dispatch to floor."""
LINE_SECONDS = 20.0
"""Whoever waits in a line and does not ask again within this has gone: his agent asks each second, but while it speaks to him (some 12 s)."""
BREAKER_SECONDS = 600.0
"""A breaker's state that nobody changed for so long is forgotten: the breaker is closed again."""
ROOMS_SECONDS = 3600.0
"""A list of rooms that nobody wrote to or read from for so long is forgotten."""
EVENT_SECONDS = 3600.0
"""So long an event is known again. LiveKit repeats one for half a minute, and its signature is good for five."""
FIRST_TICKET = 10_001


class RoomList(StrEnum):
    """Rooms that LiveKit told of and that somebody is to look at, a little later. The names are part of Redis keys."""

    LONELY = "lonely"
    """A caller came in. Whether an agent has come to him is for the guardians to see."""
    OVER = "over"
    """LiveKit has closed it. Whether its call has an ending is for a gateway to see."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """A stored handoff: the context that crosses, its state, and when (store's clock) it came into each state."""

    context: HandoffContext
    from_service: str
    to_service: str
    state: State
    moved_at: dict[State, float] = field(default_factory=dict)
    taker_id: str = ""
    """Identity, in the room, of the agent that is to take the call; known from READY on."""
    reason: str = ""
    """Why it was declined, withdrawn, expired or superseded."""

    def is_same_offer(self, other: Handoff) -> bool:
        """True when ``other`` offers what this one, which is stored, may be a release's record of: between the same services,
        wherever each stands by now."""
        same_services = (self.from_service, self.to_service) == (other.from_service, other.to_service)
        return same_services and other.context.may_be_kept_as(self.context)


@dataclass(frozen=True, slots=True)
class Overdue:
    """A call without a living owner: its lease has passed, and nobody has ended it."""

    call_id: str
    service: str
    """The floor's; where nobody ever held it (epoch 0) the first of the services that the call was opened with, or ""."""
    agent_id: str
    """Who held the floor last; "" where nobody ever did."""
    epoch: int
    attempts: int
    """Seizures since an owner last renewed its lease: how many successors never spoke."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker, as it last told of itself."""

    worker_id: str
    """New with each start."""
    service: str
    capacity: int
    """Most calls at once."""
    taken: int
    """Places that are not free: calls that run, and calls that are on their way here."""
    away: str = ""
    """Why no call can come here, however many places are free, as a word of the health page; empty when one can."""
    is_canary: bool = False
    """Whether only its share of the calls comes here: its places are not those of the service."""
    version: str = ""
    """Its release."""


class Store(Protocol):
    """One per process; safe for concurrent use by tasks of one event loop. Any method may raise StoreUnavailable."""

    async def now(self) -> float:
        """The store's clock, seconds since the epoch."""
        ...

    # --- the call and its floor -----------------------------------------------------------------------------------
    async def open_call(self, call: Call, *, nobody_comes: bool = False) -> Call:
        """Stores the call unless one of its id exists; returns what is stored. ``nobody_comes``: no agent is on its way to it, so
        it is overdue at once."""
        ...

    async def load_call(self, call_id: str) -> Call | None: ...

    async def checkpoint(self, call: Call, *, epoch: int) -> None:
        """Overwrites the call's record (renewing its time to live). Raises FloorLost, UnknownCall, InvalidContext.

        ``services`` and the ending are the store's own and stay as they are; ``handoff_ids`` are added to those known."""
        ...

    async def end_call(self, call_id: str, *, epoch: int, ending: Ending, detail: str = "") -> Call:
        """Writes the ending, once, and its line in the ledger: a second ending leaves the first and returns it.
        Frees the floor for good. Raises FloorLost, UnknownCall."""
        ...

    async def take_floor(self, call_id: str, *, service: str, agent_id: str, lease_seconds: float) -> Floor:
        """Takes a floor that is free or whose lease has passed (epoch + 1; the first is 1), and notes the service in the
        call's services. Raises FloorLost when somebody holds it (the same agent too: it may be its own past life) or the
        call has ended, UnknownCall."""
        ...

    async def renew_floor(self, call_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """Prolongs the lease; the call's ``attempts`` are 0 again. Raises FloorLost when the epoch is overtaken, UnknownCall."""
        ...

    async def load_floor(self, call_id: str) -> Floor | None:
        """Who holds the floor, or held it last (``lease_until`` may have passed). None before the first and after the end."""
        ...

    async def endings(self, *, since: float = 0.0) -> tuple[LedgerLine, ...]:
        """The ledger from that time on, oldest first."""
        ...

    async def ledger_after(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[LedgerLine, ...], str]:
        """At most ``count`` lines that follow the cursor ("" is before the first), oldest first, and the cursor after them:
        the same one when there are none. A cursor is opaque, and stays good when Redis was restarted empty."""
        ...

    # --- a call without a living owner ----------------------------------------------------------------------------
    async def overdue(self, *, limit: int = 100) -> tuple[Overdue, ...]:
        """Calls whose lease has passed by the store's clock and that have no ending, oldest first; a call that nobody ever
        held counts UNHELD_SECONDS after it was opened, or at once when nobody comes to it. Costs O(overdue), not O(calls).

        Raises StoreUnavailable also when the store can be read and refuses writes, for every lease passes in it, whoever lives; and
        once when another server answers than the last time (a failover), for that one may lack the latest renewals."""
        ...

    async def seize_floor(
        self,
        call_id: str,
        *,
        epoch: int,
        service: str,
        agent_id: str,
        lease_seconds: float,
        dead_agent_id: str = "",
    ) -> Floor:
        """Gives the floor of a dead owner to ``agent_id``, epoch + 1, ``attempts`` + 1, and in the same step makes every
        open handoff of the call SUPERSEDED: of any number of guardians that saw ``epoch`` one wins.

        Allowed when the lease has passed, or when ``dead_agent_id`` (known to be dead) is the holder; in a call that nobody
        ever held, when it is overdue or with any ``dead_agent_id``. May be repeated when an answer was lost.
        Seize before you end a call for somebody else, and end it under the seized epoch: its owner may just have come back.
        Raises FloorLost (somebody else won, the holder lives, the call has ended), UnknownCall."""
        ...

    async def claim_floor(self, call_id: str, *, epoch: int, awaited_id: str, agent_id: str) -> Floor:
        """Gives the floor that was seized under ``epoch`` for an awaited agent to the one that has come: of two jobs of one
        dispatch one gets it. Only the holder's name changes; epoch, lease and ``attempts`` stay. May be repeated when an answer
        was lost. Raises FloorLost (the other job was faster, the floor was seized again, the call has ended), UnknownCall."""
        ...

    async def live_calls(self) -> tuple[str, ...]:
        """Ids of the calls that have no ending, for counting and alerts, longest without a renewal first. O(calls)."""
        ...

    async def restore_call(self, call: Call, *, service: str, agent_id: str, epoch: int, lease_seconds: float) -> Floor:
        """Puts a call back that the store has lost (Redis came back empty), its floor with its owner under its own epoch.
        A call that is there already keeps its record; if it is the owner's the lease is renewed. Raises FloorLost when it is
        under another epoch, in other hands, or has ended; InvalidContext.

        A taker who got the floor by word alone while the store was away, and finds it there under the giver's epoch, does
        not restore but seizes: ``seize_floor(epoch=the giver's, dead_agent_id=the giver, ...)`` gives the epoch it has."""
        ...

    # --- handoffs -------------------------------------------------------------------------------------------------
    async def offer(self, handoff: Handoff) -> Handoff:
        """Stores a new handoff in state OFFERED until its time to live or its context's expiry, whichever is first, and
        notes its id in the call. Idempotent by handoff_id: a second offer of the same context returns what is stored; one
        with another context raises InvalidContext, and so does one made under an epoch that is not the floor's."""
        ...

    async def load_handoff(self, handoff_id: str) -> Handoff | None: ...

    async def move(self, handoff_id: str, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """One legal move, atomically. Moving to the state it is in already returns it unchanged.
        READY needs a ``taker_id`` (here or earlier); another agent's afterwards is an IllegalMove, so of two agents that
        come for one handoff only one is the taker. TAKEN is reached by pass_floor alone.
        Raises IllegalMove, UnknownHandoff; for SPOKEN also FloorLost, when the taker was overtaken meanwhile."""
        ...

    async def pass_floor(self, handoff_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """READY -> TAKEN and the floor to the taker, epoch + 1, in one atomic step; appends the taker's service to the
        call's services. Repeated with the same epoch (an answer was lost) it returns the same floor and changes nothing.
        Raises FloorLost, IllegalMove, UnknownHandoff, UnknownCall."""
        ...

    async def take_back(self, handoff_id: str, *, giver_id: str, epoch: int, lease_seconds: float) -> Floor:
        """TAKEN -> SUPERSEDED and the floor back to the giver's agent, epoch + 1, when the taker never spoke. ``epoch`` is
        the one that pass_floor gave the taker; may be repeated like pass_floor. Raises FloorLost, IllegalMove,
        UnknownHandoff, UnknownCall."""
        ...

    def watch(self, handoff_id: str) -> AsyncGenerator[Handoff, None]:
        """The handoff as it is now, then after each change, until a final state or its expiry. Changes in quick succession
        may come as one (``moved_at`` has them all). Raises UnknownHandoff. Close it (contextlib.aclosing) when leaving early.
        """
        ...

    # --- what the services share ----------------------------------------------------------------------------------
    async def next_ticket(self) -> int:
        """A number for a callback ticket that nobody else has got, from FIRST_TICKET on. It may start again when Redis has
        lost everything: what is kept longer must tell tickets apart by number and call."""
        ...

    async def add_callback(self, ticket: CallbackTicket) -> str:
        """Adds a ticket for whoever reads ``callbacks``, and returns its ``ticket_id``; or that of the ticket which the call has
        already, and adds nothing: it may be repeated when an answer was lost, under another number too. One that has the number to call
        is told to readers once more, as the ticket that the call has: the caller named it later, or mends it. Readers go by ticket and
        call all the same, for what was added in an earlier release may be there twice. Raises InvalidContext when it is malformed: ``wished_at`` and ``reason`` are short and never a caller's own words."""
        ...

    async def callbacks(self, since_id: str = "", *, count: int = 100) -> tuple[tuple[CallbackTicket, ...], str]:
        """Tickets after a cursor, and the cursor after them: as ``ledger_after``."""
        ...

    # --- callbacks whose time has come ----------------------------------------------------------------------------
    async def queue_callback(self, due: DueCallback) -> bool:
        """Adds it to the queue for whoever calls back, and answers True; or False, for it was added before: also when it is out of the
        queue by now. What Redis has lost is forgotten altogether, and is added again. Raises InvalidContext when it is malformed."""
        ...

    async def callbacks_due(self, *, limit: int = 100) -> tuple[DueCallback, ...]:
        """What waits in the queue, longest due first, and who is calling back."""
        ...

    async def claim_callback(self, ticket_id: str, call_id: str, *, human_id: str, name: str, seconds: float) -> bool:
        """He calls back: nobody else does, for so long; with 0 he does not (any more). Of many who claim one gets True. False when
        somebody else is faster, or it is out of the queue. May be repeated: it prolongs the claim."""
        ...

    async def close_callback(self, ticket_id: str, call_id: str, *, human_id: str) -> bool:
        """He has called back: it is out of the queue, and told by ``callbacks_done``. False when he has no claim to it (any more)."""
        ...

    async def drop_callback(self, ticket_id: str, call_id: str) -> None:
        """Out of the queue, for it was done elsewhere. Nothing happens when it is not in it."""
        ...

    async def callbacks_done(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[DoneCallback, ...], str]:
        """Callbacks that were made, after a cursor, and the cursor after them: as ``ledger_after``."""
        ...

    # --- lines, breakers, who is there ----------------------------------------------------------------------------
    async def wait_in_line(self, service: str, call_id: str, *, priority: int = 0) -> int:
        """Joins the line for a service, or stays in it for another LINE_SECONDS; the position, from 1. The highest
        priority (-1000 to 1000, else ValueError) comes first, then who came first. Asking again keeps the arrival and takes
        the new priority."""
        ...

    async def position(self, service: str, call_id: str) -> int:
        """The position in the line, from 1; 0 for who is not in it (any more). Does not prolong the wait."""
        ...

    async def leave_line(self, service: str, call_id: str) -> None:
        """Nothing happens when the call is not in the line."""
        ...

    async def line(self, service: str) -> tuple[str, ...]:
        """Ids of the calls that wait for a service, the next one first."""
        ...

    async def note_on_duty(self, human_id: str, *, seconds: float) -> None:
        """A human takes calls from now on, and counts as gone after so long unless this is said again; at once with 0."""
        ...

    async def humans_on_duty(self) -> int:
        """How many humans take calls now."""
        ...

    async def note_worker(self, status: WorkerStatus, *, seconds: float) -> None:
        """A worker is as it says, and counts as gone after so long unless it says so again; at once with 0. Raises InvalidContext
        when the status is malformed."""
        ...

    async def workers(self) -> tuple[WorkerStatus, ...]:
        """Those of all services that are not gone, in no order."""
        ...

    async def breaker_load(self, service: str) -> dict[str, str]:
        """The state of a service's breaker, with its ``version`` (a whole number from 1); empty when there is none."""
        ...

    async def breaker_swap(self, service: str, expected_version: int, new: Mapping[str, str]) -> bool:
        """Writes the whole state, for BREAKER_SECONDS, as version ``expected_version`` + 1, and answers True; or False, and
        nothing is written, when the version is another one by now (0: there is none). A ``version`` in ``new`` is ignored."""
        ...

    # --- canaries -------------------------------------------------------------------------------------------------
    async def note_canary(self, service: str, *, version: str, weight: int, seconds: float) -> Canary:
        """A worker of the service's canary is there, and counts as gone after so long unless one says so again; at once with 0. As it
        stands now. Raises InvalidContext when what it tells is malformed."""
        ...

    async def canary(self, service: str) -> Canary | None:
        """The service's canary, of the version that was told of last, there or not; None when no such version is remembered."""
        ...

    async def count_canary(self, service: str, *, version: str, is_spoken: bool) -> Canary | None:
        """Counts what came of a handoff to that version, and stops it when it fails too often: of all who count one gets it, as it
        stands, and tells people. A version that nobody remembers is not counted."""
        ...

    async def stop_canary(self, service: str, *, why: str) -> Canary | None:
        """Stops the version of now; one that is stopped keeps its reason. None when there is none."""
        ...

    async def reset_canary(self, service: str) -> Canary | None:
        """Forgets what came of the version of now, and that it was stopped. None when there is none."""
        ...

    # --- rooms that LiveKit told of -------------------------------------------------------------------------------
    async def note_room(self, room: str, list_: RoomList, *, event_id: str, after_seconds: float) -> bool:
        """Puts the room on the list, to be looked at so long from now (a room that is on it already waits anew), and answers
        True; or False, and nothing is done, when the same event was noted before. One atomic step, so that an event that is
        delivered again is neither lost nor done twice."""
        ...

    async def rooms_due(self, list_: RoomList, *, again_seconds: float, limit: int = 100) -> tuple[str, ...]:
        """Rooms of the list whose moment has come, longest due first. Each comes again ``again_seconds`` from now unless it is
        forgotten: of many who ask at once one is told, and when he dies another one is."""
        ...

    async def forget_room(self, room: str, list_: RoomList) -> None:
        """Takes it off the list: it was looked at. Nothing happens when it is not on it."""
        ...

    # --- privacy --------------------------------------------------------------------------------------------------
    async def forget_call(self, call_id: str) -> dict[str, int]:
        """Removes all that is kept of a call that has ended: its record, its handoffs, its line in the ledger, its callback wherever that
        stands. How many of each kind were there; all 0 when it is asked again. Raises StillLive, and removes nothing, when the call has
        no ending. An agent that comes to it afterwards would take the store for one that has lost it: wait until all have left."""
        ...

    async def aclose(self) -> None: ...
