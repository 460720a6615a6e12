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

Redis Cluster is not supported: scripts touch several keys in one step, and build some of them from the prefixes here.
"""

_PREFIX = "voicemesh"

LEDGER = f"{_PREFIX}:ledger"
LIVE = f"{_PREFIX}:live"
CALLBACKS = f"{_PREFIX}:callbacks"
CALLBACKS_DUE = f"{_PREFIX}:callbacks:due"
CALLBACKS_DUE_SECONDS = 7 * 86400
"""Renewed at each look of the ledger: passes when nobody waits, or when the ledger has been away for a week."""
CALLBACKS_DONE = f"{_PREFIX}:callbacks:done"
TICKETS = f"{_PREFIX}:tickets"
DUTY = f"{_PREFIX}:duty"
WORKERS = f"{_PREFIX}:workers"
WORKERS_TOLD = f"{WORKERS}:told"
TICKETS_SECONDS = 400 * 86400.0
"""Longer than anybody quotes a ticket's number; renewed by each new one."""


def call(call_id: str) -> str:
    """Key of a call's hash."""
    return f"{_PREFIX}:call:{call_id}"


def handoff(handoff_id: str) -> str:
    """Key of a handoff's hash."""
    return f"{_PREFIX}:handoff:{handoff_id}"


def moved(handoff_id: str) -> str:
    """Channel that is told when a handoff has moved."""
    return f"{_PREFIX}:moved:{handoff_id}"


def callback_of(call_id: str) -> str:
    """Key of the ticket that a call has."""
    return f"{CALLBACKS}:of:{call_id}"


def callback_queued(ticket_id: str, call_id: str) -> str:
    """Key that says where in CALLBACKS_DUE a ticket is, or was."""
    return f"{CALLBACKS_DUE}:{ticket_id}:{call_id}"


def callback_claimed(ticket_id: str, call_id: str) -> str:
    """Key that says who is calling back."""
    return f"{CALLBACKS}:claimed:{ticket_id}:{call_id}"


def line(service: str) -> str:
    """Key of the line of calls that wait for a service."""
    return f"{_PREFIX}:line:{service}"


def line_until(service: str) -> str:
    """Key of the same calls by the moment at which each counts as gone."""
    return f"{line(service)}:until"


def line_last(service: str) -> str:
    """Key of the number of a line's last arrival."""
    return f"{line(service)}:last"


def breaker(service: str) -> str:
    """Key of a breaker's hash."""
    return f"{_PREFIX}:breaker:{service}"


def canary(service: str) -> str:
    """Key of what is known of a service's canary."""
    return f"{_PREFIX}:canary:{service}"


def rooms(list_: str) -> str:
    """Key of a list of rooms to look at."""
    return f"{_PREFIX}:rooms:{list_}"


def event(event_id: str) -> str:
    """Key that says that an event of LiveKit's was noted."""
    return f"{_PREFIX}:event:{event_id}"
