"""What takes part in a call, by version."""

from __future__ import annotations

from importlib import metadata


def versions(livekit_server: str) -> dict[str, str]:
    """What took part, for the report. ``livekit_server`` is that of the server that runs, `Mesh.livekit_version`."""
    packages = ("livekit-agents", "livekit", "grpcio", "protobuf", "redis", "ctranslate2", "onnxruntime")
    ours = {
        "voice-mesh": _version("voicemesh-worker") or _version("voicemesh-handoff"),
        "livekit-server": livekit_server,
    }
    return ours | {name: found for name in packages if (found := _version(name))}


def _version(package: str) -> str:
    """Empty when it is not here: a caller in an image of his own has no worker beside him."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
