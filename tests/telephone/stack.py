"""livekit/sip in a mesh, for tests with real telephone calls; skipped in plain words where there is none."""

from __future__ import annotations

import pytest
from livekit import api

from local.settings import LocalSettings
from local.supervisor import sip
from local.supervisor.errors import NotFound
from tests.telephone.softphone import has_pjsua

OUR_NUMBER = "+15550100000"
TRUNK = "voicemesh/main/outbound"


def _found() -> str:
    try:
        return sip.find_binary(LocalSettings.from_env())
    except NotFound:
        return ""


BRIDGE = sip.Bridge(_found(), no_sound_seconds=4)
"""For a Mesh; without a binary when there is none."""


needs_telephones = [
    pytest.mark.skipif(not BRIDGE.binary, reason="there is no livekit/sip (`make livekit-sip` builds it)"),
    pytest.mark.skipif(not has_pjsua(), reason="no SIP user agent is installed (pip install pjsua2-python)"),
]


async def make_trunk(livekit: api.LiveKitAPI, address: str, name: str = TRUNK) -> None:
    """The only outbound trunk, as `make phone-config` makes it: all its calls go to ``address``."""
    found = await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
    for old in found.items:
        await livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=old.sip_trunk_id))
    trunk = api.SIPOutboundTrunkInfo(name=name, address=address, numbers=[OUR_NUMBER])
    trunk.transport = api.SIPTransport.SIP_TRANSPORT_UDP
    await livekit.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
