"""A namespace as kubectl shows it. Read only; of a Secret it asks names, lengths and certificates, never a value."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tools.doctor.results import Skipped

Ask = Callable[..., Awaitable[str]]
"""Runs kubectl with these arguments (``input``: what it reads) and returns what it printed; raises KubectlFailed."""
_ANSWER_SECONDS = 20.0


class KubectlFailed(Exception):
    """What kubectl said, in one line."""


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a Secret: how long its value is, in base64, and whether it is one that everybody knows."""

    length: int
    is_sample: bool


@dataclass(frozen=True, slots=True)
class Cluster:
    """One namespace; empty: the one of kubectl's context."""

    namespace: str
    ask: Ask

    async def objects(self, *kinds: str) -> list[dict[str, Any]]:
        """All of these kinds. Raises KubectlFailed."""
        told = json.loads(await self.ask("get", ",".join(kinds), "-o", "json"))
        items: list[dict[str, Any]] = told.get("items", [])
        return items

    async def secrets(self, samples: tuple[str, ...] = ()) -> dict[tuple[str, str], Key]:
        """By name and key. Compared and measured on kubectl's side: no value comes here."""
        known = " ".join(f'(eq $v "{base64.b64encode(sample.encode()).decode()}")' for sample in samples)
        is_sample = f"{{{{if or false {known}}}}}sample{{{{else}}}}own{{{{end}}}}" if samples else "own"
        template = (
            "{{range .items}}{{$n := .metadata.name}}{{range $k, $v := .data}}"
            "{{$n}} {{$k}} {{len $v}} " + is_sample + '{{"\\n"}}{{end}}{{end}}'
        )
        told = await self.ask("get", "secrets", "-o", f"go-template={template}")
        rows = [line.split() for line in told.splitlines() if len(line.split()) == 4]
        return {(name, key): Key(int(length), verdict == "sample") for name, key, length, verdict in rows}

    async def certificate(self, secret: str) -> bytes:
        """The PEM of a TLS Secret's certificate, which is public. Raises KubectlFailed, and ValueError when it has none."""
        told = await self.ask("get", "secret", secret, "-o", 'go-template={{index .data "tls.crt"}}')
        return base64.b64decode(told.strip(), validate=True)


def kubectl(namespace: str) -> Ask:
    """The kubectl of this machine, on its current context. Raises Skipped when there is none."""
    found = shutil.which("kubectl")
    if found is None:
        raise Skipped("kubectl is not on the PATH")
    where = ["--namespace", namespace] if namespace else []

    async def ask(*arguments: str, input: str = "") -> str:
        process = await asyncio.create_subprocess_exec(
            found, *where, "--request-timeout=10s", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                out, wrong = await process.communicate(input.encode())
        except TimeoutError:
            raise KubectlFailed(f"kubectl {arguments[0]} gave no answer in {_ANSWER_SECONDS:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            lines = wrong.decode(errors="replace").strip().splitlines()
            raise KubectlFailed(lines[-1] if lines else f"kubectl {arguments[0]} failed")
        return out.decode(errors="replace")

    return ask
