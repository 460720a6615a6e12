"""`python -m bench.intent.hearing`: says every second of the held-out sentences, and writes what the embedded recogniser hears of it.

Kokoro's three callers take turns; each sentence is heard over wide band and through the telephone's band, with a little noise on the
line. The result is data/heard.jsonl; the audio stays in .run/intent/, so an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from bench.intent.sentences import HEARD, HELD_OUT, Sentence, read
from local.caller.band import RATE, Samples, at_our_rate, through_the_phone
from local.speech.features import RATE as HEARD_RATE
from local.speech.synthesis import synthesise
from local.speech.whisper import Whisper
from local.supervisor.mesh import ROOT

BANDS = ("wide", "phone")
_EVERY = 2
_VOICES = ("heart", "michael", "emma")
_NOISE_DBFS = -55.0
"""Under speech of about -23 dBFS: a quiet room."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when written. Raises ModelProblem when a speech model is not right."""
    argparse.ArgumentParser(prog="python -m bench.intent.hearing", description=__doc__).parse_args(arguments)
    kept = ROOT / ".run" / "intent"
    kept.mkdir(parents=True, exist_ok=True)
    whisper = Whisper(threads=1)
    lines = []
    for number, sentence in enumerate(read(HELD_OUT)[::_EVERY]):
        voice = _VOICES[number % len(_VOICES)]
        audio = _said(sentence.text, voice, kept)
        lines += [_heard(whisper, sentence, voice, band, audio) for band in BANDS]
        print(f"\r{number + 1} sentences", end="", flush=True)
    HEARD.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    print(f", written: {HEARD.name}")
    return 0


def _heard(whisper: Whisper, sentence: Sentence, voice: str, band: str, audio: Samples) -> dict[str, object]:
    samples = through_the_phone(audio) if band == "phone" else audio
    noise = np.random.default_rng(len(sentence.text)).normal(0, 10 ** (_NOISE_DBFS / 20), samples.size)
    given = soxr.resample((samples / 32768.0 + noise).astype(np.float32), RATE, HEARD_RATE)
    heard = whisper.hear(given)
    return {
        "text": heard.text, "label": sentence.label, "said": sentence.text, "band": band, "voice": voice, "logprob": round(heard.logprob, 2),
    }  # fmt: skip


def _said(text: str, voice: str, folder: Path) -> Samples:
    """The sentence at 48 kHz, kept from an earlier run when there was one."""
    path = folder / f"{hashlib.sha256(f'{voice} {text}'.encode()).hexdigest()[:24]}.flac"
    if not path.is_file():
        samples, rate = synthesise(text, voice)
        soundfile.write(path, at_our_rate(samples, rate), RATE, format="FLAC", subtype="PCM_16")
    return np.asarray(soundfile.read(path, dtype="int16")[0])


if __name__ == "__main__":
    sys.exit(main())
