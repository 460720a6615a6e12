"""The network between a caller's page and LiveKit, which a test takes away and gives back.

A browser's own "offline" is of no use for it: it cuts neither a connection that is open nor the sound. Here the page finds LiveKit at the
end of a wire that breaks. Only its signal runs through it; the sound is UDP, and goes on as long as LiveKit's client keeps its connection.
When that client gives up, the sound is gone with it: see IMPATIENT.
"""

from __future__ import annotations

from local.chaos.wire import Wire
from local.supervisor.ports import HOST, Ports
from tests.e2e.browser import CLIENT

_IMPATIENT = """
;(() => {
  const { Room } = LivekitClient;
  const reconnectPolicy = { nextRetryDelayInMs: ({ retryCount }) => (retryCount < 2 ? 300 : null) };
  LivekitClient.Room = class extends Room { constructor(options) { super({ ...options, reconnectPolicy }); } };
})();
"""


def impatient_client() -> str:
    """LiveKit's client that gives up after two tries within a second, as the real one does after ten within some 44 s."""
    return CLIENT.read_text() + _IMPATIENT


class PageNetwork:
    """``async with PageNetwork() as network``: a mesh has to be given ``ports`` and the gateway's ``env``."""

    def __init__(self) -> None:
        self._claims = Ports()
        self._livekit, self._here = self._claims.pick(), self._claims.pick()
        self._wire: Wire | None = None

    @property
    def ports(self) -> dict[str, int]:
        """Where LiveKit has to be."""
        return {"livekit": self._livekit}

    @property
    def env(self) -> dict[str, str]:
        """Sends the gateway's pages here."""
        return {"VOICEMESH_PUBLIC_LIVEKIT_URL": f"ws://{HOST}:{self._here}"}

    async def goes(self) -> None:
        """All connections break, and none can be made."""
        if self._wire is not None:
            await self._wire.close()
        self._wire = None

    async def comes(self) -> None:
        """LiveKit can be reached."""
        if self._wire is None:
            self._wire = await Wire.to(self._livekit, at=self._here)

    async def __aenter__(self) -> PageNetwork:
        await self.comes()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.goes()
        self._claims.release()
