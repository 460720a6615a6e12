"""`python -m local.speech` serves; `python -m local.speech say "text"` and `hear FILE` are for people."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from local.speech import sound_files
from local.speech.engines import Engines
from local.speech.models import ModelProblem
from local.speech.requests import SECONDS_MAX
from local.speech.server import application
from local.speech.synthesis import synthesise
from local.speech.voices.catalogue import VOICES
from local.speech.whisper import Whisper

_SHUTDOWN_SECONDS = 1.0
"""An answer that is being sent may end; a caller who waits for more has gone by then."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 when a model file is missing or damaged, or what was asked cannot be done; said on stderr."""
    options = _parser().parse_args(arguments)
    logged = logging.StreamHandler()
    logged.setFormatter(_WithFields("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[logged])
    commands = {"say": _say, "hear": _hear}
    try:
        if options.command in commands:
            commands[options.command](options)
        else:
            asyncio.run(_serve(options.host, options.port))
    except (ModelProblem, sound_files.NotAudio, sound_files.TooLong, OSError) as problem:
        print(f"{problem or type(problem).__name__}", file=sys.stderr)
        return 1
    return 0


class _WithFields(logging.Formatter):
    """Our events are nouns; what they carry stands beside them."""

    _FIELDS = ("voice", "characters", "seconds", "logprob", "took_seconds")

    def format(self, record: logging.LogRecord) -> str:
        """The event, and those of the fields that it has."""
        carried = {name: getattr(record, name) for name in self._FIELDS if hasattr(record, name)}
        values = (
            f" {name}={value:.3g}" if isinstance(value, float) else f" {name}={value}"
            for name, value in carried.items()
        )
        return super().format(record) + "".join(values)


async def _serve(host: str, port: int) -> None:
    """Listens at once, loads, serves until SIGINT or SIGTERM. Raises ModelProblem, OSError (the port is taken)."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    engines = Engines()
    # A client that hangs up, because its caller spoke, ends the making of the rest.
    runner = web.AppRunner(application(engines), handler_cancellation=True, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, shutdown_timeout=_SHUTDOWN_SECONDS).start()
        await engines.load()
        print(f"speech is ready on http://{host}:{port}/v1", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()
        engines.close()


def _say(options: argparse.Namespace) -> None:
    samples, rate = synthesise(options.text, options.voice)
    options.out.write_bytes(sound_files.write(samples, rate, options.out.suffix.lstrip(".").lower()))
    print(f"{options.out}: {len(samples) / rate:.1f} s")


def _hear(options: argparse.Namespace) -> None:
    heard = Whisper().hear(sound_files.read(options.file.read_bytes(), seconds_max=SECONDS_MAX))
    print(heard.text)
    print(f"average log-probability {heard.logprob:.2f}, no speech {heard.no_speech_prob:.2f}", file=sys.stderr)


def _sound_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lstrip(".").lower() not in sound_files.CONTENT_TYPES:
        raise argparse.ArgumentTypeError(f"its ending is one of {', '.join(sound_files.CONTENT_TYPES)}")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.speech", description="OpenAI-compatible hearing and speech from models on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8790, help="(default: %(default)s)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", description="without one, the server runs")
    say = commands.add_parser("say", help="write a text as sound")
    say.add_argument("text")
    say.add_argument("--voice", choices=sorted(VOICES), default="joe", help="(default: %(default)s)")
    say.add_argument("--out", type=_sound_file, required=True, metavar="FILE", help="out.wav, out.flac, out.mp3 ...")
    hear = commands.add_parser("hear", help="print what is said in a sound file")
    hear.add_argument("file", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
