"""A gateway over a store in memory, asked as a browser asks; no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from handoff.memory_store import MemoryStore
from handoff.testing import memory_store
from starlette.testclient import TestClient

from gateway.app import application
from gateway.settings import Settings
from gateway.tests.paper_pages import as_modules

ENVIRONMENT = {
    "LIVEKIT_URL": "ws://livekit:7880",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret-secret-secret-secret-secret-secret",
    "REDIS_URL": "redis://redis:6379/0",
    "VOICEMESH_GATEWAY_SECRET": "gateway-gateway-gateway-gateway-gateway",
    "VOICEMESH_EMBED_SECRET": "embed-embed-embed-embed-embed-embed-embed",
}
SITE = "http://calls.example.com"
LOOKS = "console-console-console-console-console"
READS = "reader-reader-reader-reader-reader-reader"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    client = tmp_path / "client.js"
    client.write_text("window.LivekitClient = {}")
    return Settings.from_env(ENVIRONMENT | {"VOICEMESH_LIVEKIT_CLIENT": str(client)})


@pytest.fixture
def watched(settings: Settings) -> Settings:
    """The same gateway with a console."""
    return replace(settings, console_secret=LOOKS, console_reader_secret=READS)


@pytest.fixture
def store() -> MemoryStore:
    return memory_store()


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages' scripts, as modules to node."""
    return as_modules(tmp_path_factory.mktemp("pages"))


Browser = Callable[..., TestClient]


class EmptyRooms:
    """LiveKit's rooms, of which none has anybody in it."""

    async def stay(self, room: str, identity: str) -> str:
        return ""


@pytest.fixture
def browser(settings: Settings, store: MemoryStore) -> Browser:
    """One page of our own; ``origin`` makes it another's, None a program's that names none."""
    app = application(settings, store, EmptyRooms())  # type: ignore[arg-type]

    def opened(origin: str | None = SITE, *, address: str = "203.0.113.7") -> TestClient:
        headers = {"origin": origin} if origin is not None else {}
        return TestClient(app, base_url=SITE, headers=headers, client=(address, 40_000))

    return opened


@pytest.fixture
def viewer(watched: Settings, store: MemoryStore) -> Browser:
    """The console's page; ``secret`` signs it in."""
    app = application(watched, store)

    def opened(secret: str = "", *, origin: str = SITE, address: str = "203.0.113.7") -> TestClient:
        page = TestClient(app, base_url=SITE, headers={"origin": origin}, client=(address, 40_000))
        if secret:
            assert page.post("/api/console/session", json={"secret": secret}).status_code == 204
        return page

    return opened
