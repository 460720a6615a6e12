"""The embedded speech server: hearing (Whisper) and voices (Piper, Kokoro) behind OpenAI's HTTP API, with no network.

`python -m local.speech --port N` serves; `synthesise` speaks from Python.
"""
