"""What Redis answers when it cannot serve, as this package's one error; anything else is a fault of ours and stays one."""

from __future__ import annotations

import pytest
from handoff.errors import StoreUnavailable
from handoff.redis_link import mapped_faults
from redis import exceptions as faults


@pytest.mark.parametrize(
    "fault",
    [
        faults.ConnectionError("Connection refused"),
        faults.TimeoutError("Timeout reading"),
        faults.ReadOnlyError("You can't write against a read only replica."),
        faults.ResponseError("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist"),
        faults.ResponseError("NOREPLICAS Not enough good replicas to write."),
        faults.ResponseError("BUSY Redis is busy running a script."),
        faults.ResponseError("ERR Error running script: -OOM command not allowed when used memory > 'maxmemory'."),
        OSError("no route to host"),
    ],
    ids=lambda fault: str(fault).split()[0] + " " + type(fault).__name__,
)
def test_a_redis_that_cannot_serve_now_is_an_unavailable_store(fault: Exception) -> None:
    with pytest.raises(StoreUnavailable), mapped_faults():
        raise fault


def test_a_mistake_in_a_command_is_not_hidden() -> None:
    with pytest.raises(faults.ResponseError), mapped_faults():
        raise faults.ResponseError("ERR unknown command 'RENEW'")
