"""What identifies one service: its name, its agent, its voice, and where its prose lies."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.agent.call_agent import CallAgent


@dataclass(frozen=True, slots=True)
class Voice:
    """How a service sounds: ``name`` is a voice of the text-to-speech provider."""

    name: str = "alloy"


@dataclass(frozen=True, slots=True)
class Service:
    """One deployable. ``name`` is also its folder, package, LiveKit agent_name and DNS name.

    ``transfers_to`` names the services its agent may hand a call to.
    """

    name: str
    agent: type[CallAgent]
    voice: Voice = Voice()
    transfers_to: tuple[str, ...] = ()

    @property
    def folder(self) -> Traversable:
        """Where its prompts and playbook lie."""
        return files(self.name)
