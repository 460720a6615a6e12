"""Who may do what in Redis: a user for each service, the gateway, the ledger and the eraser, as lines of Redis's own access list.

    python -m handoff.acl                              # for one Redis, or Sentinels; --cluster for a Redis Cluster
    python -m handoff.acl --hash-of < password         # what stands for a password in such a line
    python -m handoff.acl --password billing=<hash> ...

Nothing here knows a password: a user without one gets a placeholder that Redis refuses to load. The tables below are held to what the code
does by `test_store_redis_acl.py`, both ways: nothing that a role does is refused, and nothing is allowed that it does not do.

The five services are one role. They run the same worker, and a call and its handoff pass from each to each: whichever has the floor
writes the call, offers to any other, waits in any line, looks for the calls of all that died. Five users tell them apart in Redis's log,
and each has a password that is changed alone; they do not keep one service from another's calls. Who writes to a call is settled by the
floor's epoch, not by Redis's access list.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from handoff.directory import DIRECTORY
from handoff.keys import ONE_SLOT, PLAIN, Keys

_HASH = re.compile(r"[0-9a-f]{64}")
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Role:
    """Patterns of keys that it changes, and of those that it only reads; whether it tells and hears of handoffs; its commands."""

    changes: Callable[[Keys], tuple[str, ...]]
    reads: Callable[[Keys], tuple[str, ...]]
    hears: bool
    commands: str


CONNECTING = "select client|setname"
"""For a database other than 0, and a name."""
IN_A_CLUSTER = "cluster|slots"
_ANY_SCRIPT = "eval evalsha time"
_A_CALL = "exists hexists hget hmget hgetall hset hdel hincrby pexpire pttl zadd zrem xadd publish subscribe"

WORKER = Role(
    changes=lambda keys: (
        *(keys.call(_ANY), keys.handoff(_ANY), keys.live, keys.ledger),
        *(keys.callbacks, keys.callback_of(_ANY), keys.tickets),
        *(keys.line(_ANY), keys.breaker(_ANY), keys.canary(_ANY), keys.rooms("lonely")),
        *(keys.duty, keys.workers, keys.workers_told),
    ),
    reads=lambda keys: (),
    hears=True,
    commands=f"{_ANY_SCRIPT} {_A_CALL} get set del hkeys incr info zcard zrange zrangebyscore zrank zremrangebyscore zscore",
)
GATEWAY = Role(
    changes=lambda keys: (
        *(keys.call(_ANY), keys.handoff(_ANY), keys.live, keys.ledger),
        *(keys.callbacks_due, keys.callback_queued(_ANY, _ANY), keys.callback_claimed(_ANY, _ANY), keys.callbacks_done),
        *(keys.line(_ANY), keys.rooms(_ANY), keys.event(_ANY)),
        *(keys.duty, keys.workers, keys.workers_told),
    ),
    reads=lambda keys: (),
    hears=True,
    commands=f"{_ANY_SCRIPT} {_A_CALL} get set del hvals xdel xrange zrange zrangebyscore zremrangebyscore",
)
LEDGER = Role(
    changes=lambda keys: (
        *(keys.live, keys.callbacks_due),
        *(keys.callback_queued(_ANY, _ANY), keys.callback_claimed(_ANY, _ANY)),
    ),
    reads=lambda keys: (keys.ledger, keys.callbacks, keys.callbacks_done, keys.call(_ANY), keys.handoff(_ANY)),
    hears=False,
    commands=f"{_ANY_SCRIPT} get set del exists hgetall hmget info pexpire xadd xdel xrange zadd zrange zrangebyscore zrem",
)
ERASER = Role(
    changes=lambda keys: (
        *(keys.call(_ANY), keys.handoff(_ANY), keys.live, keys.ledger, keys.rooms(_ANY)),
        *(keys.callbacks, keys.callback_of(_ANY), keys.callbacks_due, keys.callbacks_done),
        *(keys.callback_queued(_ANY, _ANY), keys.callback_claimed(_ANY, _ANY)),
    ),
    reads=lambda keys: (),
    hears=False,
    commands="eval evalsha time get del exists hexists hget hgetall xdel xrange zrem",
)
"""For `python -m ledger forget --call`, while it runs: no process that is always there may remove calls."""
ROLES: Mapping[str, Role] = {
    **dict.fromkeys(DIRECTORY, WORKER),
    "gateway": GATEWAY,
    "ledger": LEDGER,
    "eraser": ERASER,
}
"""By the name of the user."""


def line(name: str, password_hash: str, *, keys: Keys = PLAIN) -> str:
    """One user, as a line of an ACL file or what follows ``ACL SETUSER``'s ``user``. ``password_hash``: SHA-256, in hexadecimal."""
    role = ROLES[name]
    in_a_cluster = IN_A_CLUSTER if keys is ONE_SLOT else ""
    parts = ["user", name, "reset", "on", f"#{password_hash}"]
    parts += [f"~{pattern}" for pattern in role.changes(keys)]
    parts += [f"%R~{pattern}" for pattern in role.reads(keys)]
    parts += [f"&{keys.moved(_ANY)}"] if role.hears else []
    parts += [f"+{command}" for command in f"{CONNECTING} {in_a_cluster} {role.commands}".split()]
    return " ".join(parts)


def lines(passwords: Mapping[str, str], *, keys: Keys = PLAIN) -> list[str]:
    """All users, by hashes of their passwords; who has none gets a placeholder."""
    return [line(name, passwords.get(name, f"<sha256-of-the-password-of-{name}>"), keys=keys) for name in ROLES]


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 2 for arguments that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m handoff.acl", description="Prints lines for Redis's ACL file.")
    parser.add_argument("--cluster", action="store_true", help="for a Redis Cluster, where keys are spelled otherwise")
    parser.add_argument("--password", action="append", default=[], metavar="USER=HASH", help="see --hash-of")
    parser.add_argument("--hash-of", action="store_true", help="read a password from standard input, print its hash")
    options = parser.parse_args(argv)
    if options.hash_of:
        print(hashlib.sha256(sys.stdin.readline().rstrip("\r\n").encode()).hexdigest())
        return 0
    passwords = {name: text for name, _, text in (each.partition("=") for each in options.password)}
    if set(passwords) - set(ROLES) or not all(_HASH.fullmatch(text) for text in passwords.values()):
        parser.error(f"--password takes one of {', '.join(ROLES)}, = and the 64 signs that --hash-of prints")
    print("\n".join(lines(passwords, keys=ONE_SLOT if options.cluster else PLAIN)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
