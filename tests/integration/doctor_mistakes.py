"""Mistakes that operators make, each made on real things: what `make doctor` is to find, and what its mending line must name.

`python -m tests.integration.doctor_mistakes` makes them one after the other and prints what doctor says to each; with numbers, those alone.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import yaml
from handoff.call import Call, Channel
from handoff.redis_store import RedisStore
from livekit import api

from local.supervisor.ports import HOST
from tests.integration.conftest import _free_port
from tests.integration.doctor_stage import PROMETHEUS, WELL, Stage, recorded, staged, with_certificates
from tools.doctor.examination import Check, examine
from tools.doctor.kubectl import Cluster
from tools.doctor.results import Result, Verdict, lines_of
from tools.doctor.table import CHECKS, ON_KUBERNETES
from tools.doctor.target import SERVICES, Target, of_cluster
from tools.house import ROOT

PATIENT_SECONDS = 60.0
"""Only bounds a check that hangs: a busy machine is no mistake."""
Make = Callable[[Stage], Awaitable[Target]]
FAIL, WARN = Verdict.FAIL, Verdict.WARN


@dataclass(frozen=True, slots=True)
class Mistake:
    """``found``: words of what is wrong; ``where`` and ``mend``: words of those lines. ``unmake`` puts right what others use as well."""

    name: str
    check: str
    make: Make
    found: str
    where: str
    mend: str
    verdict: Verdict = FAIL
    unmake: Callable[[Stage], Awaitable[None]] | None = None
    needs_prometheus: bool = False

    async def examined(self, stage: Stage) -> Result:
        """Makes it, and has the one check look."""
        target = await self.make(stage)
        try:
            table = ON_KUBERNETES if target.cluster else CHECKS
            (result,) = await examine(target, patient(table, self.check))
        finally:
            if self.unmake is not None:
                await self.unmake(stage)
        return result


def patient(table: Sequence[Check], *names: str) -> list[Check]:
    """Those checks of a table (all, when none is named), with time."""
    return [replace(check, seconds=PATIENT_SECONDS) for check in table if not names or check.name in names]


def _changed(**variables: str) -> Make:
    async def make(stage: Stage) -> Target:
        return stage.target(**variables)

    return make


def _redis(name: str, *options: str) -> Make:
    async def make(stage: Stage) -> Target:
        node = await stage.redis_with(name, *options)
        return stage.target(REDIS_URL=f"redis://{HOST}:{node.port}/0")

    return make


async def _full_redis(stage: Stage) -> Target:
    node = await stage.redis_with("full", *WELL, "--maxmemory", "20mb")
    with node.look() as client:
        for number in range(17):
            client.set(f"ballast:{number}", b"x" * 1_000_000)
    return stage.target(REDIS_URL=f"redis://{HOST}:{node.port}/0")


async def _no_livekit(stage: Stage) -> Target:
    return stage.target(LIVEKIT_URL=f"ws://{HOST}:{_free_port()}")


async def _not_livekit(stage: Stage) -> Target:
    return stage.target(LIVEKIT_URL=(await stage.provider()).replace("http", "ws"))


async def _wrong_door(stage: Stage) -> Target:
    wrong = await stage.answers_as("sales")
    others = {service: await stage.answers_as(service) for service in SERVICES if service != "billing"}
    return stage.target(VOICEMESH_PEERS=",".join(f"{name}={HOST}:{port}" for name, port in (others | {"billing": wrong}).items()))  # fmt: skip


async def _silent_door(stage: Stage) -> Target:
    others = {service: await stage.answers_as(service) for service in SERVICES if service != "billing"}
    peers = others | {"billing": _free_port()}
    return stage.target(VOICEMESH_PEERS=",".join(f"{name}={HOST}:{port}" for name, port in peers.items()))


async def _short_grace(stage: Stage) -> Target:
    return replace(stage.target(VOICEMESH_DRAIN_SECONDS="120"), grace_seconds=90)


def _certificate(*names: str, days: float = 60) -> Make:
    async def make(stage: Stage) -> Target:
        stage.certified("billing", *names, days=days)
        return with_certificates(stage, stage.target())

    return make


async def _renewed(stage: Stage) -> None:
    stage.certified("billing", "billing")


async def _other_authority(stage: Stage) -> Target:
    folder = stage.certified("billing", "billing")
    (folder / "..data").resolve().joinpath("ca.crt").write_bytes(type(stage.authority)("another one").pem)
    return with_certificates(stage, stage.target())


def _door(*names: str, days: float = 60) -> Make:
    async def make(stage: Stage) -> Target:
        port, authority = await stage.tls_end(*names, days=days)
        return stage.target(REDIS_URL=f"rediss://localhost:{port}/0?ssl_ca_certs={authority}")

    return make


async def _never_migrated(stage: Stage) -> Target:
    empty = stage.folder / "empty.db"
    empty.touch()
    return stage.target(DATABASE_URL=f"sqlite:///{empty}")


async def _clock_ahead(stage: Stage) -> Target:
    return replace(stage.target(), now=lambda: time.time() + 90)


async def _nobody_for_sales(stage: Stage) -> Target:
    await stage.forget("sales")
    return stage.target()


async def _cut_off(stage: Stage) -> Target:
    await stage.note("sales", away="livekit_disconnected")
    return stage.target()


async def _sales_back(stage: Stage) -> None:
    await stage.note("sales")


async def _orphan(stage: Stage) -> Target:
    store = RedisStore.connect(stage.env["REDIS_URL"])
    try:
        await store.open_call(Call("call-orphan", Channel.WEB, "caller-1", started_at=await store.now()))
        await store.take_floor("call-orphan", service="billing", agent_id="billing-AJ_1", lease_seconds=0.001)
    finally:
        await store.aclose()
    await asyncio.sleep(0.05)  # its lease passes, by Redis's clock
    return stage.target(VOICEMESH_ENDING_BOUND_SECONDS="0.01")


async def _unorphan(stage: Stage) -> None:
    stage.redis.ask("DEL", "voicemesh:live", "voicemesh:call:call-orphan")


async def _refused_key(stage: Stage) -> Target:
    url = await stage.provider(status=401)
    return stage.target(VOICEMESH_SPEECH_URL=url, OPENAI_API_KEY="sk-not-a-key")


async def _unknown_model(stage: Stage) -> Target:
    url = await stage.provider(models=("another-model",))
    return stage.target(OPENAI_BASE_URL=url, VOICEMESH_LLM_MODEL="gpt-4.1-mini")


def _rule(agent: str) -> Make:
    async def make(stage: Stage) -> Target:
        async with api.LiveKitAPI(stage.livekit_url, stage.keys.api_key, stage.keys.api_secret) as livekit:
            trunk = api.SIPInboundTrunkInfo(name="voicemesh/main/+15550100000", numbers=["+15550100000"])
            made = await livekit.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
            room = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=agent)] if agent else [])
            rule = api.SIPDispatchRuleInfo(
                name="voicemesh/main/+15550100000",
                rule=api.SIPDispatchRule(dispatch_rule_callee=api.SIPDispatchRuleCallee(room_prefix="call-")),
                trunk_ids=[made.sip_trunk_id],
                room_config=room,
            )
            await livekit.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
        return stage.target()

    return make


async def _no_numbers(stage: Stage) -> None:
    async with api.LiveKitAPI(stage.livekit_url, stage.keys.api_key, stage.keys.api_secret) as livekit:
        for rule in (await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items:
            await livekit.sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id))  # fmt: skip
        for trunk in (await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items:
            await livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))


async def _half_the_alerts(stage: Stage) -> Target:
    rules = [{"alert": name, "expr": "vector(0) > 1"} for name in ("VoiceMeshSilentDrop", "VoiceMeshQueue")]
    ours, loaded = stage.folder / "rules", stage.folder / "loaded"
    for folder, some in ((ours, rules), (loaded, rules[:1])):
        folder.mkdir(exist_ok=True)
        (folder / "voice-mesh.yaml").write_text(yaml.safe_dump({"groups": [{"name": "mesh", "rules": some}]}))
    return replace(stage.target(), rules=ours, prometheus_url=await stage.prometheus(loaded))


async def _firing(stage: Stage) -> Target:
    folder = stage.folder / "firing"
    folder.mkdir(exist_ok=True)
    page = {"runbook": "docs/operations/runbooks/voice-mesh-queue.md"}
    rule = {"alert": "VoiceMeshQueue", "expr": "vector(1)", "annotations": page}
    group = {"name": "mesh", "interval": "1s", "rules": [rule]}
    (folder / "voice-mesh.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    target = replace(stage.target(), rules=folder, prometheus_url=await stage.prometheus(folder))
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            async with session.get(f"{target.prometheus_url}/api/v1/alerts") as response:
                if (await response.json())["data"]["alerts"]:
                    return target
            await asyncio.sleep(0.1)
    raise TimeoutError("the alert did not fire")


async def _nothing_scraped(stage: Stage) -> Target:
    nothing = stage.folder / "no-rules"
    nothing.mkdir(exist_ok=True)
    return replace(stage.target(), prometheus_url=await stage.prometheus(nothing))


# --- on Kubernetes --------------------------------------------------------------------------------------------------
async def _little_memory(stage: Stage) -> Target:
    kubectl = recorded()
    kubectl.worker("billing")["resources"]["limits"]["memory"] = "1Gi"
    return of_cluster(Cluster("voice-mesh", kubectl))


async def _killed_while_draining(stage: Stage) -> Target:
    kubectl = recorded()
    kubectl.deployment("billing")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30
    return of_cluster(Cluster("voice-mesh", kubectl))


async def _no_secret(stage: Stage) -> Target:
    kubectl = recorded()
    del kubectl.secrets["voice-mesh-keys", "VOICEMESH_SEAL_KEY"]
    return of_cluster(Cluster("voice-mesh", kubectl))


async def _run_out(stage: Stage) -> Target:
    kubectl = recorded()
    kubectl.certificates["billing"] = kubectl.authority.issue("billing", days=-1)["tls.crt"]
    return of_cluster(Cluster("voice-mesh", kubectl))


async def _blind(stage: Stage) -> Target:
    kubectl = recorded()
    blind = {"type": "ScalingActive", "status": "False", "reason": "FailedGetPodsMetric"}
    kubectl.scaler("billing")["status"] = {"conditions": [blind]}
    return of_cluster(Cluster("voice-mesh", kubectl))


MISTAKES = (
    Mistake("Redis throws keys away when it is full", "redis.eviction", _redis("evicts", "--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"), "allkeys-lru", "Redis at 127.0.0.1", "CONFIG SET maxmemory-policy noeviction"),
    Mistake("Redis keeps nothing on disk", "redis.persistence", _redis("forgets"), "keeps nothing on disk", "Redis at 127.0.0.1", "CONFIG SET appendonly yes"),
    Mistake("Redis saves snapshots alone", "redis.persistence", _redis("snapshots", "--save", "3600 1"), "snapshots alone", "Redis at 127.0.0.1", "CONFIG SET appendonly yes", WARN),
    Mistake("Redis is nearly full", "redis.memory", _full_redis, "of its maxmemory is used", "Redis at 127.0.0.1", "CONFIG SET maxmemory"),
    Mistake("Redis is not there", "redis.reachable", _changed(REDIS_URL=f"redis://{HOST}:1/0"), "no Redis serves us at 127.0.0.1:1", "REDIS_URL, in .env", "mend REDIS_URL"),
    Mistake("LiveKit's secret is another one", "livekit.credentials", _changed(LIVEKIT_API_SECRET="another-secret-of-thirty-two-signs-xyz"), "refuses this key and secret", "LIVEKIT_API_SECRET, in .env", "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
    Mistake("LiveKit is not there", "livekit.reachable", _no_livekit, "no LiveKit answers", "LIVEKIT_URL, in .env", "set LIVEKIT_URL"),
    Mistake("LIVEKIT_URL leads to something else", "livekit.reachable", _not_livekit, "is not LiveKit", "LIVEKIT_URL, in .env", "LiveKit's own address"),
    Mistake("billing's address answers as sales", "services.grpc", _wrong_door, "answers sales, where billing was looked for", "VOICEMESH_PEERS, in .env", "give billing its own address in VOICEMESH_PEERS"),
    Mistake("nobody answers at billing's address", "services.grpc", _silent_door, "no worker of billing answers", "VOICEMESH_PEERS, in .env", "start billing again"),
    Mistake("no worker of sales", "services.workers", _nobody_for_sales, "no worker of sales has told of itself", "voicemesh:workers", "start sales again", unmake=_sales_back),
    Mistake("sales has lost LiveKit", "services.workers", _cut_off, "no worker of sales takes calls: livekit_disconnected", "voicemesh:workers", "livekit.reachable", unmake=_sales_back),
    Mistake("the drain is longer than the grace", "drain", _short_grace, "it takes 135 s to go (120 + 15) and is killed after 90 s", "VOICEMESH_DRAIN_SECONDS, in .env", "set the grace period to 135 s, or VOICEMESH_DRAIN_SECONDS=75"),
    Mistake("a certificate has run out", "certificates.services", _certificate("billing", days=-3), "the certificate of billing expired on", "tls.crt (VOICEMESH_TLS_DIR of billing)", "issue a new one for billing", unmake=_renewed),
    Mistake("a certificate runs out next week", "certificates.services", _certificate("billing", days=5), "expires in 5 days", "tls.crt (VOICEMESH_TLS_DIR of billing)", "issue a new one for billing", WARN, unmake=_renewed),
    Mistake("a certificate names another service", "certificates.services", _certificate("sales"), "the certificate of billing is for sales", "tls.crt (VOICEMESH_TLS_DIR of billing)", "dnsNames: [billing]", unmake=_renewed),
    Mistake("a certificate is of another authority", "certificates.services", _other_authority, "not signed by ca.crt", "tls.crt (VOICEMESH_TLS_DIR of billing)", "by the authority of ca.crt", unmake=_renewed),
    Mistake("a secret of the example", "secrets", _changed(LIVEKIT_API_SECRET="change-me-change-me-change-me-change-me"), "LIVEKIT_API_SECRET is a sample", "in .env", "openssl rand -base64 32"),
    Mistake("a secret is too short", "secrets", _changed(VOICEMESH_SEAL_KEY="tooshort0123456789"), "VOICEMESH_SEAL_KEY has 18 characters", "in .env", "openssl rand -base64 32"),
    Mistake("a variable cannot be read", "settings", _changed(VOICEMESH_MAX_SESSIONS="eight"), "VOICEMESH_MAX_SESSIONS must be a whole number", "triage", "start triage again"),
    Mistake("the ledger's database was never migrated", "databases.ledger", _never_migrated, "it was never migrated", "DATABASE_URL of ledger", "start ledger again"),
    Mistake("this machine's clock is 90 s ahead", "clock", _clock_ahead, "90 s ahead of Redis's", "this machine", "timedatectl set-ntp true"),
    Mistake("more places than the machine has cores for", "capacity", _changed(VOICEMESH_MAX_SESSIONS="500"), "2500 places are offered", "VOICEMESH_MAX_SESSIONS, in .env", "set VOICEMESH_MAX_SESSIONS=", WARN),
    Mistake("the provider refuses the key", "speech", _refused_key, "refuses our key (401)", "OPENAI_API_KEY, in .env", "set OPENAI_API_KEY"),
    Mistake("the provider has no such model", "model", _unknown_model, "does not list gpt-4.1-mini", "OPENAI_BASE_URL, in .env", "VOICEMESH_LLM_MODEL", WARN),
    Mistake("a telephone number's rule names nobody", "phone", _rule(""), "it names no agent", "dispatch rule voicemesh/main/+15550100000", "make phone-config", unmake=_no_numbers),
    Mistake("a telephone number's rule names a service that is none", "phone", _rule("tirage"), "it names tirage", "dispatch rule voicemesh/main/+15550100000", "make phone-config", unmake=_no_numbers),
    Mistake("an alert is not loaded in Prometheus", "prometheus.alerts", _half_the_alerts, "1 of 2 alerts are not loaded: VoiceMeshQueue", "Prometheus at http://127.0.0.1", "/-/reload", needs_prometheus=True),
    Mistake("an alert fires", "prometheus.alerts", _firing, "firing now: VoiceMeshQueue", "Prometheus at http://127.0.0.1", "docs/operations/runbooks/voice-mesh-queue.md", WARN, needs_prometheus=True),
    Mistake("Prometheus scrapes no worker", "prometheus.targets", _nothing_scraped, "no worker is scraped of triage, billing", "Prometheus at http://127.0.0.1", "scrape_configs", needs_prometheus=True),
    Mistake("a call has no owner and no ending", "calls.endings", _orphan, "1 calls have no owner and no ending, the first one call-orphan", "voicemesh:live", "make ledger CALL=call-orphan", unmake=_unorphan),
    Mistake("a pod has too little memory for its places", "k8s.capacity", _little_memory, "billing offers 8 places on 2 cores and 1 GiB, which hold 2 (by memory)", "deploy/billing", "set maxSessions (VOICEMESH_MAX_SESSIONS) to 2, or limits to 1.9 cores and 1.5 GiB"),
    Mistake("Kubernetes kills a pod while it drains", "k8s.drain", _killed_while_draining, "it takes 80 s to go (5 + 60 + 15) and is killed after 30 s", "deploy/billing, terminationGracePeriodSeconds", "set terminationGracePeriodSeconds to 80 s"),
    Mistake("a Secret lacks a key", "k8s.secrets", _no_secret, "VOICEMESH_SEAL_KEY has no value", "Secret voice-mesh-keys", 'kubectl -n voice-mesh patch secret voice-mesh-keys'),
    Mistake("a cluster's certificate has run out", "k8s.tls", _run_out, "the certificate of billing expired on", "Secret billing-tls", "kubectl -n voice-mesh describe certificate billing"),
    Mistake("an autoscaler is blind", "k8s.autoscalers", _blind, "it is blind: FailedGetPodsMetric", "hpa/billing", "active_sessions"),
    Mistake("Redis's certificate has run out", "certificates.endpoints", _door("localhost", days=-2), "certificate has expired", "localhost:", "renew the certificate at localhost:"),
    Mistake("Redis's certificate names another machine", "certificates.endpoints", _door("redis.example.com"), "Hostname mismatch", "REDIS_URL, in .env", "for the name localhost"),
    Mistake("a database's password is a sample", "secrets", _changed(DATABASE_URL="postgresql://ledger:password@127.0.0.1/ledger"), "the password of DATABASE_URL is a sample", "ledger, in .env", "openssl rand -base64 32"),
    Mistake("Redis's certificate runs out next week", "certificates.endpoints", _door("localhost", days=6), "expires in 6 days", "REDIS_URL, in .env", "renew the certificate at localhost:", WARN),
)  # fmt: skip


async def _play(wanted: set[int]) -> int:
    logging.disable(logging.CRITICAL)
    missed = played = 0
    with tempfile.TemporaryDirectory(prefix="doctor-") as folder:
        async with staged(Path(folder)) as stage:
            for number, mistake in enumerate(MISTAKES, 1):
                if (wanted and number not in wanted) or (mistake.needs_prometheus and PROMETHEUS is None):
                    continue
                result = await mistake.examined(stage)
                played += 1
                missed += result.verdict is not mistake.verdict
                print(f"{number}. {mistake.name}")
                # Where it was made is of no interest to a reader.
                print(
                    "\n".join(f"    {line}" for line in lines_of(result)).replace(folder, "/etc/voicemesh"), end="\n\n"
                )
    print(f"{played - missed} of {played} were found")
    return int(bool(missed))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(asyncio.run(_play({int(each) for each in sys.argv[1:]})))
