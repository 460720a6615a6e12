"""Every Redis key and channel of the mesh, spelled here and nowhere else.

key                           type     lives                         holds
voicemesh:call:<call id>      hash     call time to live, renewed    the checkpoint, the floor, the ending of one call
voicemesh:handoff:<id>        hash     handoff time to live, fixed   the context that crosses, the state, when it moved
voicemesh:ledger              stream   ledger time to live, renewed  one line for each call that ended
voicemesh:live                zset     call time to live, renewed    calls without an ending, by the moment their lease passes
voicemesh:callbacks           stream   ledger time to live, renewed  callbacks that were promised
voicemesh:callbacks:of:<call id>  string  ledger time to live        the ticket that this call has
voicemesh:callbacks:due       stream   CALLBACKS_DUE_SECONDS, renewed  callbacks whose time has come, for whoever calls back
voicemesh:callbacks:due:<ticket>:<call id>  string  the same     where in that stream this ticket is, or was
voicemesh:callbacks:claimed:<ticket>:<call id>  string  as claimed  who is calling back
voicemesh:callbacks:done      stream   ledger time to live, renewed  callbacks that were made, for the ledger
voicemesh:tickets             string   TICKETS_SECONDS, renewed      the last number of a callback ticket
voicemesh:line:<service>      zset     LINE_SECONDS, renewed         calls that wait for a service, the next one first
voicemesh:line:<service>:until  zset   the same                      the same calls, by the moment they count as gone
voicemesh:line:<service>:last   string  the same                     number of the last arrival
voicemesh:breaker:<service>   hash     BREAKER_SECONDS, renewed      state of a service's circuit breaker
voicemesh:canary:<service>    hash     TRIAL_SECONDS, renewed         its canary: version, weight, until when that holds, what came of it
voicemesh:rooms:<list>        zset     ROOMS_SECONDS, renewed        rooms that somebody is to look at, by the moment to do so
voicemesh:event:<event id>    string   EVENT_SECONDS                 that what LiveKit told by this event was noted
voicemesh:duty                zset     as long as anybody in it      humans who take calls, by the moment each counts as gone
voicemesh:workers             zset     as long as anybody in it      workers that live, by the moment each counts as gone
voicemesh:workers:told        hash     the same                      the same workers: how many places each has, and has taken
voicemesh:moved:<handoff id>  channel  (no key)                      told after each move of a handoff

The floor lies in the call's own hash, so that it can neither outlive the call nor be forgotten before it: an epoch that
started again at 1 would let an overtaken agent write.

In a Redis Cluster ``{voicemesh}`` stands for ``voicemesh``: what is in braces alone says in which slot a key lies, and scripts touch
several keys in one step, some of which they find on their way (ADR 11). Everywhere else the name stays as it was: two releases share a
Redis while one follows the other.
"""

from dataclasses import dataclass

CALLBACKS_DUE_SECONDS = 7 * 86400
"""Renewed at each look of the ledger: passes when nobody waits, or when the ledger has been away for a week."""
TICKETS_SECONDS = 400 * 86400.0
"""Longer than anybody quotes a ticket's number; renewed by each new one."""


@dataclass(frozen=True, slots=True)
class Keys:
    """All of them, behind one prefix."""

    prefix: str

    # --- of one call ----------------------------------------------------------------------------------------------
    def call(self, call_id: str) -> str:
        """Key of a call's hash."""
        return f"{self.prefix}:call:{call_id}"

    def handoff(self, handoff_id: str) -> str:
        """Key of a handoff's hash."""
        return f"{self.prefix}:handoff:{handoff_id}"

    def moved(self, handoff_id: str) -> str:
        """Channel that is told when a handoff has moved."""
        return f"{self.prefix}:moved:{handoff_id}"

    def callback_of(self, call_id: str) -> str:
        """Key of the ticket that a call has."""
        return f"{self.callbacks}:of:{call_id}"

    def callback_queued(self, ticket_id: str, call_id: str) -> str:
        """Key that says where in callbacks_due a ticket is, or was."""
        return f"{self.callbacks_due}:{ticket_id}:{call_id}"

    def callback_claimed(self, ticket_id: str, call_id: str) -> str:
        """Key that says who is calling back."""
        return f"{self.callbacks}:claimed:{ticket_id}:{call_id}"

    # --- of one service -------------------------------------------------------------------------------------------
    def line(self, service: str) -> str:
        """Key of the line of calls that wait for a service."""
        return f"{self.prefix}:line:{service}"

    def line_until(self, service: str) -> str:
        """Key of the same calls by the moment at which each counts as gone."""
        return f"{self.line(service)}:until"

    def line_last(self, service: str) -> str:
        """Key of the number of a line's last arrival."""
        return f"{self.line(service)}:last"

    def breaker(self, service: str) -> str:
        """Key of a breaker's hash."""
        return f"{self.prefix}:breaker:{service}"

    def canary(self, service: str) -> str:
        """Key of what is known of a service's canary."""
        return f"{self.prefix}:canary:{service}"

    # --- of LiveKit's rooms ---------------------------------------------------------------------------------------
    def rooms(self, list_: str) -> str:
        """Key of a list of rooms to look at."""
        return f"{self.prefix}:rooms:{list_}"

    def event(self, event_id: str) -> str:
        """Key that says that an event of LiveKit's was noted."""
        return f"{self.prefix}:event:{event_id}"

    # --- of the whole mesh ----------------------------------------------------------------------------------------
    @property
    def ledger(self) -> str:
        """Key of the stream of calls that ended."""
        return f"{self.prefix}:ledger"

    @property
    def live(self) -> str:
        """Key of the calls without an ending."""
        return f"{self.prefix}:live"

    @property
    def callbacks(self) -> str:
        """Key of the stream of callbacks that were promised."""
        return f"{self.prefix}:callbacks"

    @property
    def callbacks_due(self) -> str:
        """Key of the stream of callbacks whose time has come."""
        return f"{self.prefix}:callbacks:due"

    @property
    def callbacks_done(self) -> str:
        """Key of the stream of callbacks that were made."""
        return f"{self.prefix}:callbacks:done"

    @property
    def tickets(self) -> str:
        """Key of the last ticket's number."""
        return f"{self.prefix}:tickets"

    @property
    def duty(self) -> str:
        """Key of the humans who take calls."""
        return f"{self.prefix}:duty"

    @property
    def workers(self) -> str:
        """Key of the workers that live."""
        return f"{self.prefix}:workers"

    @property
    def workers_told(self) -> str:
        """Key of what they told of themselves."""
        return f"{self.prefix}:workers:told"


PLAIN = Keys("voicemesh")
ONE_SLOT = Keys("{voicemesh}")
"""For a Redis Cluster."""
