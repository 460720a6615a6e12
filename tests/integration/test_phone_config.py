"""`python -m gateway.phone` against a real LiveKit with a Redis, asked afterwards by LiveKit's own API what it holds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from livekit import api

from local.supervisor import livekit
from local.supervisor.mesh import Mesh
from local.supervisor.ports import HOST, Ports
from local.supervisor.supervisor import silent

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENT_SECONDS = 60.0
PASSWORD = "correct-horse-battery"
VARIABLES = {"CARRIER_USERNAME": "carrier-account", "CARRIER_PASSWORD": PASSWORD}
WHOLE = """
name: whole
inbound:
  - name: one
    allowed_addresses: [203.0.113.0/24, 198.51.100.7]
    auth: {username_env: CARRIER_USERNAME, password_env: CARRIER_PASSWORD}
    max_call_seconds: 3600
    krisp: true
    media_encryption: allow
    attributes: {carrier: one}
    numbers:
      "+15550100000": triage
      "+15550100010": {service: billing, hide_phone_number: false, attributes: {line: invoices}}
  - name: two
    allowed_addresses: [0.0.0.0/0]
    numbers: {"+15550100020": sales}
outbound:
  address: sip.example.com:5061
  transport: tls
  numbers: ["+15550100000", "+15550100010"]
  auth: {username_env: CARRIER_USERNAME, password_env: CARRIER_PASSWORD}
  media_encryption: require
"""
LATER = """
name: whole
inbound:
  - name: two
    allowed_addresses: [0.0.0.0/0]
    numbers: {"+15550100000": escalation, "+15550100010": triage}
"""
ONE = """
name: one
inbound:
  - name: carrier
    allowed_addresses: [203.0.113.0/24]
    numbers: {"+15550100090": triage}
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run of the command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Place:
    """A LiveKit, and how the command is run against it."""

    url: str
    key: str
    secret: str
    root: Path
    environ: dict[str, str]

    async def run(self, folder: Path, text: str, *options: str) -> Told:
        path = folder / "phone.yaml"
        path.write_text(text)
        own = {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.key, "LIVEKIT_API_SECRET": self.secret}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.phone", str(path), *options,
            cwd=self.root, env={**self.environ, **VARIABLES, **own},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENT_SECONDS):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Told(process.returncode or 0, out.decode(), err.decode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Redis, and a LiveKit that does not know of it."""
    async with Mesh(tmp_path_factory.mktemp("run"), services=(), without=("speech",)) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def without_redis(mesh: Mesh, repo_root: Path) -> Place:
    """As `make up` starts it."""
    return Place(
        mesh.livekit_url, mesh.livekit_api_key, mesh.livekit_api_secret, repo_root, dict(mesh.settings.inherited)
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def livekit_there(mesh: Mesh, without_redis: Place) -> AsyncIterator[Place]:
    """A second LiveKit, which keeps its trunks and rules in the mesh's Redis; it stops with the mesh."""
    ports = Ports()
    try:
        port = ports.pick()
        spec = livekit.spec(
            server=await livekit.find_server(mesh.settings, say=silent),
            port=port,
            udp_port=ports.pick(udp=True),
            keys=mesh.keys,
            config_path=mesh.run_dir / "livekit-with-redis.yaml",
            env=mesh.settings.inherited,
            redis_address=urlsplit(mesh.redis_url).netloc,
        )
        await mesh.start_beside(replace(spec, name="livekit-with-redis", after=("redis",)))
        yield replace(without_redis, url=f"ws://{HOST}:{port}")
    finally:
        ports.release()


@pytest_asyncio.fixture(loop_scope="module")
async def sip(livekit_there: Place) -> AsyncIterator[api.LiveKitAPI]:
    """LiveKit's own API, beside the command."""
    asking = api.LiveKitAPI(livekit_there.url, livekit_there.key, livekit_there.secret)
    yield asking
    await asking.aclose()


async def held(asking: api.LiveKitAPI) -> tuple[dict[str, api.SIPInboundTrunkInfo], dict[str, api.SIPDispatchRuleInfo]]:
    """Trunks and rules of ``whole``, by number."""
    trunks = await asking.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    rules = await asking.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    ours = "voicemesh/whole/"
    return (
        {t.name.removeprefix(ours): t for t in trunks.items if t.name.startswith(ours)},
        {r.name.removeprefix(ours): r for r in rules.items if r.name.startswith(ours)},
    )


async def outbound_of(asking: api.LiveKitAPI) -> list[api.SIPOutboundTrunkInfo]:
    found = await asking.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
    return [trunk for trunk in found.items if trunk.name == "voicemesh/whole/outbound"]


def service_of(rule: api.SIPDispatchRuleInfo) -> list[str]:
    return [agent.agent_name for agent in rule.room_config.agents]


# --- the life of a configuration ---------------------------------------------------------------------------------------------
async def test_numbers_are_connected_once_changed_where_they_stand_and_taken_away(
    livekit_there: Place, sip: api.LiveKitAPI, tmp_path: Path
) -> None:
    looked = await livekit_there.run(tmp_path, WHOLE, "--dry-run", "--exit-code")
    assert (looked.code, looked.err) == (2, "")
    assert "7 to create, 0 to change, 0 to remove, 0 unchanged" in looked.out
    assert await held(sip) == ({}, {})

    made = await livekit_there.run(tmp_path, WHOLE)
    assert (made.code, made.err) == (0, "")
    trunks, rules = await held(sip)
    assert trunks.keys() == rules.keys() == {"+15550100000", "+15550100010", "+15550100020"}
    assert (trunks["+15550100000"].auth_password, trunks["+15550100000"].ringing_timeout.seconds) == (PASSWORD, 20)
    assert {number: list(rule.trunk_ids) for number, rule in rules.items()} == {
        number: [trunk.sip_trunk_id] for number, trunk in trunks.items()
    }
    billing = rules["+15550100010"]
    assert service_of(billing) == ["billing"]
    assert (billing.rule.dispatch_rule_callee.room_prefix, billing.rule.dispatch_rule_callee.randomize) == (
        "call-",
        True,
    )
    assert (billing.hide_phone_number, dict(billing.attributes)) == (False, {"carrier": "one", "line": "invoices"})
    (outbound,) = await outbound_of(sip)
    assert (outbound.address, outbound.transport, outbound.media.encryption) == ("sip.example.com:5061", 3, 2)

    again = await livekit_there.run(tmp_path, WHOLE)
    assert again.code == 0
    assert again.out.endswith("nothing to do: LiveKit holds what the file says\n")
    assert (await livekit_there.run(tmp_path, WHOLE, "--dry-run", "--exit-code")).code == 0

    later = await livekit_there.run(tmp_path, LATER)
    assert (later.code, later.err) == (0, "")
    trunks_later, rules_later = await held(sip)
    assert {number: service_of(rule) for number, rule in rules_later.items()} == {
        "+15550100000": ["escalation"],
        "+15550100010": ["triage"],
    }
    for number, trunk in trunks_later.items():
        assert trunk.sip_trunk_id == trunks[number].sip_trunk_id
        assert rules_later[number].sip_dispatch_rule_id == rules[number].sip_dispatch_rule_id
        assert (trunk.auth_password, list(trunk.allowed_addresses)) == ("", ["0.0.0.0/0"])
    assert await outbound_of(sip) == []
    assert (await livekit_there.run(tmp_path, LATER, "--dry-run", "--exit-code")).code == 0

    everything = "".join(told.out + told.err for told in (looked, made, again, later))
    assert PASSWORD not in everything
    assert VARIABLES["CARRIER_USERNAME"] not in everything


async def test_anothers_trunk_with_the_same_number_is_told_and_left_alone(
    livekit_there: Place, sip: api.LiveKitAPI, tmp_path: Path
) -> None:
    theirs = api.SIPInboundTrunkInfo(name="theirs", numbers=["15550100090"])
    made = await sip.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=theirs))
    told = await livekit_there.run(tmp_path, ONE)
    assert told.code == 1
    assert f"trunk {made.sip_trunk_id} (theirs) is not ours and holds +15550100090" in told.err
    await sip.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))
    assert (await livekit_there.run(tmp_path, ONE)).code == 0


# --- what may be wrong with a LiveKit ------------------------------------------------------------------------------------------
async def test_a_livekit_without_a_redis_is_told_so(without_redis: Place, tmp_path: Path) -> None:
    told = await without_redis.run(tmp_path, ONE)
    assert told.code == 1
    assert "has no Redis" in told.err


async def test_a_wrong_secret_is_told_and_not_quoted(livekit_there: Place, tmp_path: Path) -> None:
    wrong = replace(livekit_there, secret="wrong-wrong-wrong-wrong-wrong-wrong-wrong")
    told = await wrong.run(tmp_path, ONE)
    assert told.code == 1
    assert "refuses the key" in told.err
    assert "wrong-wrong" not in told.out + told.err


async def test_a_livekit_that_is_not_there_is_told(livekit_there: Place, tmp_path: Path) -> None:
    told = await replace(livekit_there, url=f"ws://{HOST}:9").run(tmp_path, ONE)
    assert told.code == 1
    assert f"does not answer at {HOST}:9" in told.err
