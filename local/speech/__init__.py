"""The embedded speech server: hearing (Whisper) and voices (Piper, Kokoro) behind OpenAI's HTTP API, with no network.

`python -m local.speech --port N` serves; `synthesise` speaks from Python.
"""

import os

# Before it is imported: onnxruntime reports its use to its maker and keeps a device's id in the user's cache otherwise.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
