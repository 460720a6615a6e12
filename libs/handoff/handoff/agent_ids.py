"""How an agent is called in the room: by the name under which it is awaited, and by its job. Pure; standard library only.

Two jobs may come for one dispatch: LiveKit asks again when a dispatch's first answer is slow. Each has a name of its own, so that the
store can tell one from the other, and LiveKit does not put the older of the two out of the room.
"""

from __future__ import annotations


def awaited_taker(service: str, handoff_id: str) -> str:
    """The name under which a handoff's taker is awaited; a successor's is its guardian's to choose (``guardian.successor``)."""
    return f"{service}-{handoff_id}"


def agent_id_of(awaited_id: str, job_id: str) -> str:
    """The identity, in the room, of the job that comes: ``billing-h1-AJ_7``, ``billing-r3-0a1b2c-AJ_7``, ``triage-AJ_7``."""
    return f"{awaited_id}-{job_id}"


def came_as(agent_id: str, awaited_id: str) -> bool:
    """Whether this agent is one that came under the awaited name. One of an earlier release bears just that name."""
    return agent_id == awaited_id or agent_id.startswith(f"{awaited_id}-")


_CANARY = "-canary"


def canary_of(service: str) -> str:
    """What stands for a service's canary where a name leads to workers: LiveKit's agent_name, gRPC. In the call it is the service."""
    return f"{service}{_CANARY}"


def service_of(agent_name: str) -> str:
    """Whose workers have this name: the service's own, or its canary's."""
    return agent_name.removesuffix(_CANARY)
