"""What takes part in a call, by version."""

from __future__ import annotations

from importlib import metadata

from local.supervisor import livekit


def versions() -> dict[str, str]:
    """What took part, for the report."""
    packages = ("livekit-agents", "livekit", "grpcio", "protobuf", "redis", "ctranslate2", "onnxruntime")
    return {"voice-mesh": metadata.version("voicemesh-worker"), "livekit-server": livekit.VERSION} | {
        name: metadata.version(name) for name in packages
    }
