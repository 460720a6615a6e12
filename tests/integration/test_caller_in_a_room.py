"""The recorded caller on a real LiveKit server, with two stand-ins for agents whose words and sounds are known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from livekit import api

from local.caller import Access, CallRefused, Recording, load_script, new_access, place_call
from local.caller.band import FRAME
from local.caller.ear import changes, speech_of
from local.report import build_report, turns_of
from local.supervisor.mesh import Mesh
from local.tests.voices import voice
from tests.integration.room_agent import RoomAgent

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOST_FRAMES = 20
GREETING, ANNOUNCEMENT, FIRST_WORDS = (
    "How can I help you?",
    "I'm connecting you now.",
    "Hi there, what is your account?",
)
SCRIPT = """\
lines:
  - say: "I was charged twice."
    after: "help you"
  - say: "My account is A C 4 7 2 1."
    after: "account"
"""

Agents = Callable[[Access], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """LiveKit's server and nothing else."""
    run_dir = tmp_path_factory.mktemp("run")
    async with Mesh(run_dir, services=(), without=("speech", "billing_mcp", "redis")) as mesh:
        yield mesh


class Stage:
    """Where caller and agents meet."""

    def __init__(self, mesh: Mesh, folder: Path) -> None:
        self.mesh, self.folder = mesh, folder

    def agent(self, access: Access, identity: str) -> RoomAgent:
        keys = {"api_key": self.mesh.livekit_api_key, "api_secret": self.mesh.livekit_api_secret}
        return RoomAgent(self.mesh.livekit_url, **keys, room=access.call_id, identity=identity)

    async def close_room(self, access: Access) -> None:
        url = self.mesh.livekit_url.replace("ws", "http", 1)
        async with api.LiveKitAPI(url, self.mesh.livekit_api_key, self.mesh.livekit_api_secret) as lkapi:
            await lkapi.room.delete_room(api.DeleteRoomRequest(room=access.call_id))

    async def call(self, text: str, agents: Agents, *, channel: str = "web") -> Recording:
        path = self.folder / "caller.yaml"
        path.write_text(text)
        script = load_script(path, channel=channel)
        sounds = {i: voice(0.8, seed=50 + i, pitch_hz=220) for i, line in enumerate(script.lines) if line.makes_sound}
        access = new_access(
            self.mesh.livekit_url,
            api_key=self.mesh.livekit_api_key,
            api_secret=self.mesh.livekit_api_secret,
            channel=channel,
        )
        playing = asyncio.create_task(agents(access))
        try:
            return await place_call(script, sounds, access=access)
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)


@pytest.fixture
def stage(mesh: Mesh, tmp_path: Path) -> Stage:
    return Stage(mesh, tmp_path)


@pytest_asyncio.fixture(params=["web", "phone"], loop_scope="module")
async def handed_over(request: pytest.FixtureRequest, stage: Stage) -> Recording:
    """A whole call with a handoff; billing's first sentence lacks its first 200 ms."""

    async def agents(access: Access) -> None:
        triage, billing = stage.agent(access, "triage-1"), stage.agent(access, "billing-h1")
        await triage.join()
        await triage.say(GREETING, voice(1.2, seed=1))
        await asyncio.sleep(1.8)
        await triage.understand(access.identity, "I was charged twice.")
        joining = asyncio.create_task(billing.join())
        await triage.say(ANNOUNCEMENT, voice(1.5, seed=2))
        await joining
        await asyncio.sleep(0.1)
        await billing.say(FIRST_WORDS, voice(1.8, seed=3)[LOST_FRAMES * FRAME :])
        await asyncio.sleep(2.0)
        await stage.close_room(access)

    return await stage.call(SCRIPT, agents, channel=request.param)


async def test_a_call_is_recorded_from_mouth_to_ear_and_measured(handed_over: Recording) -> None:
    recording = handed_over
    assert (recording.ended_by, recording.problems) == ("mesh", ())
    assert set(recording.agents) == {"triage-1", "billing-h1"}
    assert {track.size for track in recording.agents.values()} == {recording.said.size}
    assert recording.heard.size == recording.said.size

    said = speech_of("caller", recording.said)
    assert [(s.start_ms, s.end_ms) for s in recording.spoken] == [(s.start_ms, s.end_ms) for s in said]

    (change,) = changes(
        recording.agents, first_words={"billing-h1": FIRST_WORDS}, reference=lambda words: voice(1.8, seed=3)
    )
    assert (change.giver, change.taker, change.overlap_ms) == ("triage-1", "billing-h1", 0)
    assert change.gap_ms > 0
    assert change.clipped_ms == pytest.approx(LOST_FRAMES * 10, abs=20)

    turns = [(turn.speaker, turn.text) for turn in turns_of(recording)]
    assert turns == [
        ("triage", GREETING),
        ("caller", "I was charged twice."),
        ("triage", ANNOUNCEMENT),
        ("billing", FIRST_WORDS),
        ("caller", "My account is A C 4 7 2 1."),
    ]
    assert ("caller", "I was charged twice.") in [(c.speaker, c.text) for c in recording.captions]


async def test_the_caller_waits_for_the_agent_to_finish(stage: Stage) -> None:
    async def agents(access: Access) -> None:
        triage = stage.agent(access, "triage-1")
        await triage.join()
        await triage.say("How can I help you? Take all the time you need for it.", voice(2.5, seed=1))
        await asyncio.sleep(1.5)
        await stage.close_room(access)

    recording = await stage.call('lines:\n  - say: "Hello."\n    after: "help you"\n', agents)
    (agent,) = speech_of("triage", recording.agents["triage-1"])
    assert recording.spoken[0].start_ms > agent.end_ms


async def test_a_caller_who_interrupts_does_not_wait(stage: Stage) -> None:
    async def agents(access: Access) -> None:
        triage = stage.agent(access, "triage-1")
        await triage.join()
        await triage.say("I am connecting you with somebody who can help you with this.", voice(3.0, seed=1))
        await asyncio.sleep(0.5)
        await stage.close_room(access)

    text = 'lines:\n  - say: "Hello."\n    after: "connecting"\n    interrupt: true\n'
    recording = await stage.call(text, agents)
    (agent,) = speech_of("triage", recording.agents["triage-1"])
    assert agent.start_ms < recording.spoken[0].start_ms < agent.end_ms


@pytest.mark.parametrize("channel", ["web", "phone"])
async def test_keys_come_one_by_one_from_the_caller_and_the_report_tells_what_was_made_of_them(
    stage: Stage, channel: str
) -> None:
    pressed: list[tuple[str, int, str]] = []

    async def agents(access: Access) -> None:
        triage = stage.agent(access, "triage-1")
        triage.room.on("sip_dtmf_received", lambda key: pressed.append((key.participant.identity, key.code, key.digit)))
        await triage.join()
        await triage.say(FIRST_WORDS, voice(1.0, seed=1))
        await asyncio.sleep(1.5)
        await triage.understand(access.identity, "My account ID is A C, 4 7 2 1.")
        await asyncio.sleep(1.0)
        await stage.close_room(access)

    recording = await stage.call('lines:\n  - press: "47*#"\n    after: account\n', agents, channel=channel)
    assert recording.problems == ()
    assert [(code, key) for _, code, key in pressed] == [(4, "4"), (7, "7"), (10, "*"), (11, "#")]
    assert {who.split("-")[0] for who, _, _ in pressed} == {"caller"}
    assert [turn.text for turn in turns_of(recording) if turn.speaker == "caller"] == ["My account ID is A C, 4 7 2 1."]


async def test_a_caller_who_hangs_up_leaves(stage: Stage) -> None:
    async def agents(access: Access) -> None:
        triage = stage.agent(access, "triage-1")
        await triage.join()
        await triage.say(ANNOUNCEMENT, voice(3.0, seed=1))

    recording = await stage.call("lines:\n  - hang_up: true\n    after: connecting\n    interrupt: true\n", agents)
    assert (recording.ended_by, recording.problems) == ("caller", ())


async def test_a_cue_that_never_comes_ends_the_call_and_says_where(stage: Stage) -> None:
    async def agents(access: Access) -> None:
        triage = stage.agent(access, "triage-1")
        await triage.join()
        await triage.say(GREETING, voice(0.5, seed=1))

    text = "lines:\n  - say: Hello\n    after: never said\n    timeout_seconds: 2\n"
    recording = await stage.call(text, agents)
    (problem,) = recording.problems
    assert "caller.yaml:2: the mesh did not say /never said/ within 2 s" in problem


async def test_a_caller_who_is_asked_for_it_says_the_line_again_and_the_report_tells(stage: Stage) -> None:
    async def agents(access: Access) -> None:
        triage = stage.agent(access, "triage-1")
        await triage.join()
        for words in (GREETING, "Sorry, I didn't get that. Is it billing, yes or no?", "Anything else?"):
            await triage.say(words, voice(0.5, seed=1))
            await asyncio.sleep(2.0)
        await stage.close_room(access)

    text = "lines:\n  - say: Yes please.\n    after: help you\n  - say: No.\n    after: anything else\n"
    recording = await stage.call(text, agents)
    assert [(s.text, s.is_again) for s in recording.spoken] == [
        ("Yes please.", False),
        ("Yes please.", True),
        ("No.", False),
    ]
    assert build_report(recording, None, (), versions={})["said_again"] == ["Yes please."]
    assert recording.problems == ()


async def test_a_mesh_that_hangs_up_too_early_is_a_problem(stage: Stage) -> None:
    async def agents(access: Access) -> None:
        triage = stage.agent(access, "triage-1")
        await triage.join()
        await stage.close_room(access)

    recording = await stage.call("lines:\n  - say: Hello\n    after: never said\n", agents)
    assert recording.ended_by == "mesh"
    assert "the mesh ended the call before this line" in recording.problems[0]


async def test_a_door_that_does_not_open_is_told(stage: Stage) -> None:
    access = new_access("ws://127.0.0.1:9", api_key="key", api_secret="secret" * 8)
    path = stage.folder / "caller.yaml"
    path.write_text("lines:\n  - hang_up: true\n")
    with pytest.raises(CallRefused, match=r"127\.0\.0\.1:9"):
        await place_call(load_script(path), {}, access=access)


async def test_a_wrong_secret_is_told_as_well(stage: Stage) -> None:
    access = new_access(stage.mesh.livekit_url, api_key=stage.mesh.livekit_api_key, api_secret="wrong-secret" * 4)
    path = stage.folder / "caller.yaml"
    path.write_text("lines:\n  - hang_up: true\n")
    with pytest.raises(CallRefused):
        await place_call(load_script(path), {}, access=access)
