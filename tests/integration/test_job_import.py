"""A worker's main process stays light: what answers calls is imported by the job processes' template alone."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

from worker.job.entry import PRELOAD

HEAVY = ("worker.job.answer", "worker.speech.providers", "livekit.plugins.openai", "mcp", "openai.resources.chat")
"""LiveKit itself imports the core of ``openai``; its resources, a second on a busy machine, come with the first client."""


def test_the_main_process_imports_neither_brain_nor_speech_nor_tools() -> None:
    program = f"import sys, worker.main_process.run; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split() == []


def test_everything_that_is_preloaded_exists() -> None:
    for name in PRELOAD:
        assert find_spec(name) is not None, name
