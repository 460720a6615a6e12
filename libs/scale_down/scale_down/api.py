"""The API server, by two requests: list pods, patch a pod's annotation. No client library: it would be most of our memory.

The ServiceAccount's token lives for an hour and its file is renewed by the kubelet, so it is read anew for each request; the CA is,
too, and a new one makes a new TLS context.
"""

from __future__ import annotations

import json
import ssl
from typing import Any, Literal

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from scale_down.pods import WORKERS, Pod, merge_patch, running_pods
from scale_down.settings import Settings

Reason = Literal["unreachable", "unauthorized", "forbidden", "refused", "gone"]
"""Why a request came to nothing, as metrics count it."""
_TIMEOUT = ClientTimeout(total=5.0)
_GONE = (404, 409, 422)
"""409, and 422 where the API's validation says it first: another pod has the name by now."""
_MERGE_PATCH = "application/merge-patch+json"
_SAID_CHARS = 300


class ApiTrouble(Exception):
    """A request came to nothing: ``reason`` for metrics, and in words what a person has to do, if anything."""

    def __init__(self, reason: Reason, words: str) -> None:
        self.reason: Reason = reason
        super().__init__(words)


class PodGone(ApiTrouble):
    """The pod went, or another one has its name, between the list and the patch."""

    def __init__(self, pod: Pod) -> None:
        super().__init__("gone", f"pod {pod.name} went before its cost could be written")


class KubernetesApi:
    """One namespace's pods. Every method raises ApiTrouble, and nothing else that a network can do."""

    def __init__(self, settings: Settings, session: ClientSession) -> None:
        self._session = session
        self._account, self._namespace = settings.account_dir, settings.namespace
        host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
        self._server = f"https://{host}:{settings.api_port}"
        self._pods = f"{self._server}/api/v1/namespaces/{settings.namespace}/pods"
        self._ca = ""
        self._tls: ssl.SSLContext | None = None

    async def worker_pods(self) -> list[Pod]:
        """Those that run, as they are now: without a resourceVersion the server gives no older state than its newest."""
        text = await self._request("GET", self._pods, "list", params={"labelSelector": WORKERS})
        try:
            return running_pods(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            raise ApiTrouble("refused", f"{self._server} answered with something that is no list of pods") from e

    async def write_cost(self, pod: Pod, cost: str) -> None:
        """Writes it, whatever stands there. Raises PodGone when the pod is there no more."""
        await self._request(
            "PATCH",
            f"{self._pods}/{pod.name}",
            "patch",
            of=pod,
            params={"fieldManager": "voicemesh-scale-down"},
            data=json.dumps(merge_patch(pod, cost)).encode(),
        )

    async def _request(self, method: str, url: str, verb: str, *, of: Pod | None = None, **more: Any) -> str:
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": "application/json"}
        if method == "PATCH":
            headers["Content-Type"] = _MERGE_PATCH
        try:
            async with self._session.request(
                method, url, headers=headers, ssl=self._context(), timeout=_TIMEOUT, allow_redirects=False, **more
            ) as answer:
                text = await answer.text(errors="replace")
        except (ClientError, OSError, TimeoutError) as e:  # a certificate that is not trusted is a ClientError, too
            raise ApiTrouble(
                "unreachable",
                f"the API server does not answer at {self._server} ({_words_of(e)}): costs stay as they are",
            ) from e
        if answer.status != 200:
            raise self._refusal(answer, text, verb, of)
        return text

    def _refusal(self, answer: ClientResponse, text: str, verb: str, of: Pod | None) -> ApiTrouble:
        said = _said(text)
        if answer.status == 401:
            return ApiTrouble(
                "unauthorized",
                f"the API server does not take the token in {self._account} (401): it is read again for each request;"
                " when that lasts, the ServiceAccount is gone or its token has run out",
            )
        if answer.status == 403:
            return ApiTrouble(
                "forbidden",
                f"the ServiceAccount may not {verb} pods of namespace {self._namespace} (403): its Role there needs the rule"
                f' apiGroups [""], resources ["pods"], verbs ["list", "patch"], and a RoleBinding. The server says: {said}',
            )
        if of is not None and answer.status in _GONE:
            return PodGone(of)
        return ApiTrouble("refused", f"the API server did not {verb} pods ({answer.status}): {said}")

    def _token(self) -> str:
        return self._mounted("token").strip()

    def _context(self) -> ssl.SSLContext:
        ca = self._mounted("ca.crt")
        if self._tls is None or ca != self._ca:
            try:
                self._tls, self._ca = _trusting(ca), ca
            except (ssl.SSLError, ValueError) as e:
                words = f"{self._account / 'ca.crt'} holds no certificate: the API server cannot be recognised"
                raise ApiTrouble("unauthorized", words) from e
        return self._tls

    def _mounted(self, name: str) -> str:
        try:
            return (self._account / name).read_text()
        except (OSError, UnicodeDecodeError) as e:
            words = f"{self._account / name} cannot be read ({_words_of(e)}): the ServiceAccount's volume is gone"
            raise ApiTrouble("unauthorized", words) from e


def _trusting(ca: str) -> ssl.SSLContext:
    """Trusts that authority and no other. ValueError: there is none, and Python would trust all of the system's."""
    if not ca.strip():
        raise ValueError("empty")
    context = ssl.create_default_context(cadata=ca)
    # From Python 3.13 on the default, and more than the authorities of many clusters were made for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _words_of(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or "") or type(error).__name__


def _said(text: str) -> str:
    """The message of a Status; the API server's words are about our rights and never hold a caller's."""
    try:
        message = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        message = text
    return " ".join(str(message).split())[:_SAID_CHARS]
