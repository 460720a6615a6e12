"""What takes part in a call, by version."""

from __future__ import annotations

from importlib import metadata


def versions(livekit_server: str) -> dict[str, str]:
    """What took part, for the report. ``livekit_server`` is that of the server that runs, `Mesh.livekit_version`."""
    packages = ("livekit-agents", "livekit", "grpcio", "protobuf", "redis", "ctranslate2", "onnxruntime")
    return {"voice-mesh": metadata.version("voicemesh-worker"), "livekit-server": livekit_server} | {
        name: metadata.version(name) for name in packages
    }
