"""livekit/sip beside a mesh, for tests with real telephone calls; skipped in plain words where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from livekit import api

from local.settings import LocalSettings
from local.supervisor import sip
from local.supervisor.errors import NotFound
from local.supervisor.mesh import Mesh
from local.supervisor.ports import HOST, Ports
from tests.telephone.softphone import has_pjsua

OUR_NUMBER = "+15550100000"
TRUNK = "voicemesh/main/outbound"


def _has_sip() -> bool:
    try:
        return bool(sip.find_binary(LocalSettings.from_env()))
    except NotFound:
        return False


needs_telephones = [
    pytest.mark.skipif(not _has_sip(), reason="there is no livekit/sip (LIVEKIT_SIP=/path/livekit-sip; docs/phone.md)"),
    pytest.mark.skipif(not has_pjsua(), reason="no SIP user agent is installed (pip install pjsua2-python)"),
]


@asynccontextmanager
async def sip_beside(mesh: Mesh) -> AsyncIterator[str]:
    """Its address. ``mesh`` must keep numbers; the process is ``mesh.process("livekit-sip")``, and stops with the mesh."""
    ports = Ports()
    try:
        port = ports.pick(udp=True)
        spec = sip.spec(
            binary=sip.find_binary(mesh.settings),
            port=port,
            health_port=ports.pick(),
            keys=mesh.keys,
            livekit_url=mesh.livekit_url,
            redis_address=urlsplit(mesh.redis_url).netloc,
            config_path=mesh.run_dir / "sip.yaml",
            env=mesh.settings.inherited,
        )
        await mesh.start_beside(spec)
        yield f"{HOST}:{port}"
    finally:
        ports.release()


async def make_trunk(livekit: api.LiveKitAPI, address: str, name: str = TRUNK) -> None:
    """The only outbound trunk, as `make phone-config` makes it: all its calls go to ``address``."""
    found = await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
    for old in found.items:
        await livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=old.sip_trunk_id))
    trunk = api.SIPOutboundTrunkInfo(name=name, address=address, numbers=[OUR_NUMBER])
    trunk.transport = api.SIPTransport.SIP_TRANSPORT_UDP
    await livekit.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
