"""The real speech server with its real models: said and heard again, over HTTP, through LiveKit's own plugin, and alone."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import openai
import psutil
import pytest
import soundfile
import soxr
from livekit import rtc
from livekit.plugins import openai as livekit_openai

from local.caller.band import through_the_phone
from local.speech import sound_files
from local.speech.mumble import mumbled

START_TIMEOUT_SECONDS = 90.0
LINE = "Hi, I was charged twice for my March invoice."
KEY_WORDS = {"charged", "twice", "march", "invoice"}
AGENT_LINE = "I see you're calling about your March invoice."


class Server:
    """A speech server of its own: its process, and where it answers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Iterator[Server]:
    with _started(repo_root, tmp_path_factory.mktemp("speech") / "speech.log") as found:
        yield found


@pytest.fixture
async def client(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's own library."""
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


class _started:
    """Starts a server, waits until it is ready, ends it by its process id."""

    def __init__(self, root: Path, log: Path) -> None:
        self._root, self._log = root, log

    def __enter__(self) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "local.speech", "--port", str(port)]
            self._process = subprocess.Popen(command, cwd=self._root, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_TIMEOUT_SECONDS
        while b"speech is ready" not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError(f"the speech server did not start; its log:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.05)
        return Server(self._process, port)

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def _say(client: openai.AsyncOpenAI, text: str, voice: str) -> tuple[np.ndarray, int]:
    answer = await client.audio.speech.create(model="tts-1", input=text, voice=voice, response_format="wav")
    samples, rate = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    return samples, rate


async def _hear(client: openai.AsyncOpenAI, samples: np.ndarray, rate: int) -> tuple[str, float]:
    """The text, and the mean log-probability of its tokens (0 when nothing was heard)."""
    file = ("said.wav", sound_files.write(samples, rate, "wav"), "audio/wav")
    reply = await client.audio.transcriptions.create(model="whisper", file=file, include=["logprobs"])
    logprobs = [token.logprob or 0.0 for token in reply.logprobs or []]
    return reply.text, float(np.mean(logprobs)) if logprobs else 0.0


def _by_telephone(samples: np.ndarray, rate: int) -> np.ndarray:
    wide = soxr.resample(samples, rate, 48_000)
    return np.asarray(soxr.resample(through_the_phone(wide), 48_000, rate))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z']+", text.lower()))


@pytest.mark.parametrize("channel", ["web", "phone"])
@pytest.mark.parametrize("voice", ["heart", "michael", "emma"])
async def test_what_a_caller_says_is_heard(client: openai.AsyncOpenAI, voice: str, channel: str) -> None:
    samples, rate = await _say(client, LINE, voice)
    heard, logprob = await _hear(client, _by_telephone(samples, rate) if channel == "phone" else samples, rate)
    assert _words(heard) >= KEY_WORDS
    assert logprob > -0.5


@pytest.mark.parametrize("channel", ["web", "phone"])
@pytest.mark.parametrize("voice", ["heart", "michael", "emma"])
async def test_an_account_number_is_heard_digit_by_digit(client: openai.AsyncOpenAI, voice: str, channel: str) -> None:
    samples, rate = await _say(client, "My account ID is A C 4 7 2 1.", voice)
    heard, _logprob = await _hear(client, _by_telephone(samples, rate) if channel == "phone" else samples, rate)
    assert "AC4721" in re.sub(r"[^A-Z0-9]", "", heard.upper())


@pytest.mark.parametrize("voice", ["alloy", "onyx"])
async def test_what_an_agent_says_is_heard(client: openai.AsyncOpenAI, voice: str) -> None:
    heard, _logprob = await _hear(client, *await _say(client, AGENT_LINE, voice))
    # Piper draws its own noise, so one word may be another one this time.
    assert len(_words(heard) & _words(AGENT_LINE)) >= 6


async def test_the_same_words_are_the_same_samples(client: openai.AsyncOpenAI) -> None:
    once, again = [(await _say(client, f"{AGENT_LINE} One moment please.", "onyx"))[0] for _ in range(2)]
    assert np.array_equal(once, again)


async def test_the_first_sentence_of_a_speech_is_that_sentence_said_alone(client: openai.AsyncOpenAI) -> None:
    alone, _rate = await _say(client, "One moment please.", "onyx")
    together, _rate = await _say(client, "One moment please. I will look.", "onyx")
    assert np.array_equal(together[: alone.size], alone)


async def test_a_mumbling_caller_is_heard_less_surely(client: openai.AsyncOpenAI) -> None:
    samples, rate = await _say(client, "Um, it is about that thing with the bill, you know.", "heart")
    _text, clear = await _hear(client, samples, rate)
    hard = (mumbled(np.asarray(samples / 32768, np.float32), rate) * 32767).astype(np.int16)
    _text, unsure = await _hear(client, hard, rate)
    assert clear > -0.5
    assert unsure < -0.7


@pytest.mark.parametrize("channel", ["web", "phone"])
async def test_the_shipped_mumble_is_not_understood(client: openai.AsyncOpenAI, repo_root: Path, channel: str) -> None:
    file = repo_root / "local" / "callers" / "audio" / "mumble.flac"
    assert file.stat().st_size <= 100_000
    samples, rate = soundfile.read(file, dtype="int16")
    text, logprob = await _hear(client, _by_telephone(samples, rate) if channel == "phone" else samples, rate)
    assert not text or logprob < -0.7


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.0, 40.0])
async def test_silence_is_heard_as_nothing(client: openai.AsyncOpenAI, seconds: float) -> None:
    assert await _hear(client, np.zeros(int(16_000 * seconds), np.int16), 16_000) == ("", 0.0)


async def test_a_long_story_is_heard_to_its_end(client: openai.AsyncOpenAI) -> None:
    story = " ".join(["I was charged twice for my March invoice.", "Please send the money back."] * 8)
    samples, rate = await _say(client, f"{story} Thank you and goodbye.", "alloy")
    assert samples.size / rate > 35
    heard, _logprob = await _hear(client, samples, rate)
    assert heard.lower().count("invoice") >= 6
    assert "goodbye" in re.sub("[^a-z]", "", heard.lower())


async def test_a_sign_that_cannot_be_said_is_a_short_silence(client: openai.AsyncOpenAI) -> None:
    samples, rate = await _say(client, "...", "alloy")
    assert 0 < samples.size / rate < 0.5
    assert not samples.any()


async def test_openais_library_raises_what_it_should(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="voice is one of"):
        await client.audio.speech.create(model="tts-1", input="Hi.", voice="nobody")
    with pytest.raises(openai.BadRequestError, match="not audio"):
        await client.audio.transcriptions.create(model="whisper", file=("a.wav", b"no sound", "audio/wav"))


async def test_livekits_plugin_speaks_and_hears(server: Server) -> None:
    tts = livekit_openai.TTS(
        model="gpt-4o-mini-tts", voice="onyx", response_format="pcm", base_url=f"{server.url}/v1", api_key="none"
    )
    stt = livekit_openai.STT(model="gpt-4o-mini-transcribe", language="en", base_url=f"{server.url}/v1", api_key="none")
    try:
        async with tts.synthesize(AGENT_LINE) as stream:
            frames = [event.frame async for event in stream]
        assert {(frame.sample_rate, frame.num_channels) for frame in frames} == {(24_000, 1)}
        event = await stt.recognize(rtc.combine_audio_frames(frames))
        assert len(_words(event.alternatives[0].text) & _words(AGENT_LINE)) >= 6
    finally:
        await tts.aclose()
        await stt.aclose()


@pytest.mark.parametrize("model", ["tts-1", "gpt-4o-mini-tts"])
async def test_livekits_plugin_takes_plain_bytes_and_events(server: Server, model: str) -> None:
    tts = livekit_openai.TTS(
        model=model, voice="alloy", response_format="pcm", base_url=f"{server.url}/v1", api_key="none"
    )
    try:
        async with tts.synthesize("Sure.") as stream:
            frames = [event.frame async for event in stream]
        assert 0.2 < sum(frame.duration for frame in frames) < 2
    finally:
        await tts.aclose()


async def test_hearing_does_not_wait_behind_a_long_speech(client: openai.AsyncOpenAI) -> None:
    samples, rate = await _say(client, "Yes please.", "heart")
    story = " ".join(f"This is sentence number {n} of a story that nobody has told before." for n in range(20))
    finished: list[str] = []

    async def tell() -> None:
        await client.audio.speech.create(model="tts-1", input=story, voice="heart", response_format="pcm")
        finished.append("speech")

    telling = asyncio.create_task(tell())
    await asyncio.sleep(0.3)
    await _hear(client, samples, rate)
    finished.append("hearing")
    assert finished == ["hearing"]
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)


async def test_a_dead_phoneme_program_is_started_again(client: openai.AsyncOpenAI, server: Server) -> None:
    (child,) = psutil.Process(server.process.pid).children()
    child.kill()
    samples, _rate = await _say(client, "The phoneme program was gone for a moment.", "alloy")
    assert samples.any()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_phoneme_program_ends_with_the_server(tmp_path: Path, repo_root: Path, how: signal.Signals) -> None:
    with _started(repo_root, tmp_path / "speech.log") as server:
        children = psutil.Process(server.process.pid).children()
        assert len(children) == 1
        server.process.send_signal(how)
        server.process.wait(10)
        _gone, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        assert "Traceback" not in (tmp_path / "speech.log").read_text()


def test_a_port_that_is_taken_is_said_in_one_line(server: Server, repo_root: Path) -> None:
    command = [sys.executable, "-m", "local.speech", "--port", server.url.rsplit(":", 1)[1]]
    ended = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def _alone() -> list[str]:
    """A command that runs another one with no network at all, or a skip that says why there is none."""
    unshare = shutil.which("unshare")
    wrapped = [unshare, "--net", "--map-root-user"] if unshare else []
    if not wrapped or subprocess.run([*wrapped, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us take the network away (unshare --net)")
    return [str(part) for part in wrapped]


def test_people_say_and_hear_with_no_network_at_all(tmp_path: Path, repo_root: Path) -> None:
    out = tmp_path / "out.wav"
    python = [*_alone(), sys.executable, "-m", "local.speech"]
    for command in ([*python, "say", LINE, "--voice", "heart", "--out", str(out)], [*python, "hear", str(out)]):
        ended = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, timeout=90, check=True)
    assert _words(ended.stdout) >= KEY_WORDS
