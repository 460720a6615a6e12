"""The processes of the mesh: who answers at which address, who has told of itself, and whether calls can come there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp
from handoff.agent_ids import service_of
from handoff.errors import HandoffError, StoreUnavailable, WireMismatch
from handoff.giver import Giver
from handoff.keys import PLAIN
from handoff.redis_store import RedisStore
from handoff.store import WorkerStatus
from handoff.tls import Certificates, UnusableCertificates
from handoff.wire import PoolStatus

from local.supervisor.mesh import BACK_OFFICES, LEDGER
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import SERVICES, Kind, Target

_ANSWER_SECONDS = 3.0
_WHERE = f"{PLAIN.workers}, in Redis"


async def grpc(target: Target) -> Answer:
    """At an address that answers as another service calls are handed to the wrong specialist; at one that is silent, to nobody.

    Each service is asked for its Pool, as a giver asks before it offers a call, with the certificates of a worker.
    """
    if target.kind is Kind.COMPOSE:
        raise Skipped("gRPC is open between the containers alone; services.workers tells of the same workers")
    settings = target.worker(target.workers[0] if target.workers else "triage")
    try:
        certificates = Certificates.of(settings.tls_dir)
        if certificates is not None:
            certificates.pair()
    except UnusableCertificates:
        raise Skipped("the certificates are not usable: see certificates.services") from None
    peers = {name: settings.addresses(name) for name in {*SERVICES, *settings.peers}}
    giver = Giver(peers, offer_timeout_seconds=_ANSWER_SECONDS, certificates=certificates)
    try:
        found = await asyncio.gather(*(_pools(giver, name) for name in sorted(peers)))
    finally:
        await giver.aclose()
    troubles: list[Trouble] = []
    versions: list[str] = []
    for name, (pools, wrong) in zip(sorted(peers), found, strict=True):
        troubles += _of_one(target, name, peers[name], pools, wrong)
        versions.append(f"{name} {'/'.join(sorted({status.version for status in pools.values()})) or '-'}")
    return ", ".join(versions), troubles


async def _pools(giver: Giver, name: str) -> tuple[dict[str, PoolStatus], str]:
    try:
        return await giver.pools(name), ""
    except WireMismatch:
        return {}, "what answers speaks another contract"
    except HandoffError as error:
        return {}, str(error)


def _of_one(
    target: Target, name: str, addresses: Sequence[str], pools: dict[str, PoolStatus], wrong: str
) -> list[Trouble]:
    told, service = ", ".join(addresses), service_of(name)
    variable = f"VOICEMESH_PEERS, in {target.home}"
    if not pools:
        return [
            Trouble(
                f"no worker of {name} answers at {told}" + (f" ({wrong})" if wrong else ""),
                variable,
                f"{target.restart(service)}, then its log; or mend {name}=... in VOICEMESH_PEERS",
                is_fatal=name == service,
            )
        ]
    troubles = [
        Trouble(
            f"at {address} answers {status.service}, where {name} was looked for",
            variable,
            f"give {name} its own address in VOICEMESH_PEERS ({name}=host:port), or start {name} at {address}",
        )
        for address, status in pools.items()
        if status.service != service
    ]
    if len({status.version for status in pools.values()}) > 1:
        told = ", ".join(f"{address} {status.version}" for address, status in pools.items())
        troubles.append(
            Trouble(f"workers of {name} are of several versions: {told}", variable, "finish the release that is under way, or make rollback SERVICE=" + service, is_fatal=False)
        )  # fmt: skip
    return troubles


async def workers(target: Target) -> Answer:
    """LiveKit sends a call only to a worker that is registered with it; each tells the store every second that it is, and why not."""
    store = RedisStore.connect(target.value("REDIS_URL"))
    try:
        told = await store.workers()
    except StoreUnavailable:
        raise Skipped("Redis does not answer: see redis.reachable") from None
    finally:
        await store.aclose()
    return counted(target, told)


def counted(target: Target, told: Sequence[WorkerStatus]) -> Answer:
    """What the workers tell, judged."""
    stable = [status for status in told if not status.is_canary]
    there = Counter(status.service for status in stable)
    open_ = Counter(status.service for status in stable if not status.away)
    troubles = []
    for service in SERVICES:
        if not there[service]:
            troubles.append(
                Trouble(
                    f"no worker of {service} has told of itself: no call can go there",
                    _WHERE,
                    f"{target.restart(service)}, then its log: it says why it does not come up",
                )
            )
        elif not open_[service]:
            away = ", ".join(sorted({status.away for status in stable if status.service == service}))
            troubles.append(
                Trouble(
                    f"no worker of {service} takes calls: {away}",
                    _WHERE,
                    f"see livekit.reachable and livekit.credentials; then {target.restart(service)}"
                    if "livekit" in away
                    else f"wait for the drain's end, or {target.restart(service)}",
                )
            )
    full = [s for s in SERVICES if open_[s] and all(w.taken >= w.capacity for w in stable if w.service == s and not w.away)]  # fmt: skip
    troubles += [
        Trouble(f"every place of {service} is taken: callers wait in line", _WHERE, f"start another worker of {service} (docs/operations/scaling.md)", is_fatal=False)
        for service in full
    ]  # fmt: skip
    places = sum(status.capacity for status in stable if not status.away)
    taken = sum(status.taken for status in stable if not status.away)
    return (
        f"{', '.join(f'{open_[service]} {service}' for service in SERVICES)}; {taken} of {places} places taken",
        troubles,
    )


async def offices(target: Target) -> Answer:
    """A service whose back office is away can only talk: it looks nothing up and changes nothing, and offers a callback."""
    if target.kind is Kind.COMPOSE:
        raise Skipped("back offices are open to their workers alone; docker compose ps tells whether they are healthy")
    urls = {BACK_OFFICES[name]: target.variables[name].get("VOICEMESH_MCP_URL", "") for name in target.workers if name in BACK_OFFICES}  # fmt: skip
    urls = {name: url for name, url in urls.items() if url}
    if not urls:
        raise Skipped("no VOICEMESH_MCP_URL is known here")
    answers = await asyncio.gather(*(ready(f"{_base(url)}/health/ready") for url in urls.values()))
    troubles = [
        Trouble(f"{name} is not ready at {_base(url)}: {wrong}", f"VOICEMESH_MCP_URL, in {target.home}", f"{target.restart(name)}, then its log: it names the variable or the database")
        for (name, url), wrong in zip(urls.items(), answers, strict=True)
        if wrong
    ]  # fmt: skip
    return f"{len(urls)} ready", troubles


async def gateway(target: Target) -> Answer:
    """The page, the desk, the console and LiveKit's webhooks are the gateway's: without it nobody calls by browser."""
    if not target.page_url:
        raise Skipped("no gateway is known here")
    url = f"{target.page_url.rstrip('/')}/health/ready"
    if wrong := await ready(url):
        return "", [Trouble(f"the gateway is not ready at {url}: {wrong}", target.home, f"{target.restart('gateway')}, then its log")]  # fmt: skip
    return f"ready at {target.page_url}"


async def ledger(target: Target) -> Answer:
    """The ledger writes down how calls ended and which callbacks were promised, before Redis forgets them."""
    env = target.of(LEDGER)
    if "VOICEMESH_HEALTH_PORT" not in env:
        raise Skipped("its health port is not known here; databases.ledger looks at what it wrote")
    url = f"http://{env.get('VOICEMESH_BIND_HOST') or '127.0.0.1'}:{env['VOICEMESH_HEALTH_PORT']}/health/ready"
    if wrong := await ready(url):
        return "", [Trouble(f"the ledger is not ready: {wrong}", url, f"{target.restart(LEDGER)}, then its log")]
    return "ready"


async def ready(url: str) -> str:
    """Empty when it answers 200; else why not, by its own word where it has one."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            if response.status == 200:
                return ""
            body = await response.json(content_type=None)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        return f"no answer ({type(error).__name__})"
    except ValueError:
        body = None
    return str(body.get("reason") if isinstance(body, dict) else "") or f"it answers {response.status}"


def _base(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
