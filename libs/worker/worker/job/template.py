"""Imported last into the job processes' template: what every job of this service would otherwise make for itself, with its own
memory and at its own caller's time.

A playbook is 6 MB and 60 ms of CPU. It is read once, before the fork, and shared; a job only looks it up.
"""

from __future__ import annotations

import logging
import sys

from worker.agent import cast
from worker.service import Service

log = logging.getLogger("voicemesh.template")


def services() -> list[Service]:
    """Those whose module has been imported here: ``SERVICE`` of ``billing.agent``. In a template there is one."""
    found = [getattr(module, "SERVICE", None) for module in list(sys.modules.values())]
    return list(dict.fromkeys(service for service in found if isinstance(service, Service)))


def warm() -> None:
    """Reads what their jobs will need. What cannot be read is told by the job that needs it: a template that raised would take
    every process with it."""
    for service in services():
        try:
            cast.warm(service)
        except Exception:  # noqa: BLE001 - see above
            log.warning("%s is not warmed up in the template", service.name)


warm()
