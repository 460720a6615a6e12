"""Every worker behind a name is found, a lookup that fails or hangs leads to where the last one led."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from handoff.resolver import FRESH_SECONDS, Resolver
from handoff.testing import FakeClock


class Names:
    """A name server of paper."""

    def __init__(self, *ips: str) -> None:
        self.ips = list(ips)
        self.fault: Exception | None = None
        self.hangs = False
        self.asked: list[str] = []
        self.clock = FakeClock()
        self.resolver = Resolver(lookup=self._lookup, now=self.clock)

    async def _lookup(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if self.fault is not None:
            raise self.fault
        if self.hangs:
            await asyncio.Event().wait()
        return self.ips

    async def behind(self, *addresses: str) -> tuple[str, ...]:
        return await self.resolver.all_of(addresses)


async def test_a_name_leads_to_every_worker_behind_it() -> None:
    assert await Names("10.0.0.1", "10.0.0.2").behind("billing:50051") == ("10.0.0.1:50051", "10.0.0.2:50051")
    assert await Names("fd00::1").behind("billing:50051") == ("[fd00::1]:50051",)


async def test_two_names_of_one_worker_are_one_worker() -> None:
    assert await Names("10.0.0.1").behind("billing:50051", "billing.mesh:50051") == ("10.0.0.1:50051",)


@pytest.mark.parametrize("address", ["127.0.0.1:50051", "[::1]:50051", "unix:/tmp/billing.sock", "billing"])
async def test_what_is_no_name_and_port_stays_as_it_is_and_nobody_is_asked(address: str) -> None:
    names = Names("10.0.0.1")
    assert await names.behind(address) == (address,)
    assert names.asked == []


async def test_an_answer_is_used_again_for_a_moment_and_then_asked_for_anew() -> None:
    names = Names("10.0.0.1")
    await names.behind("billing:50051")
    names.ips.append("10.0.0.2")
    names.clock.advance(FRESH_SECONDS / 2)
    assert await names.behind("billing:50051") == ("10.0.0.1:50051",)
    names.clock.advance(FRESH_SECONDS)
    assert await names.behind("billing:50051") == ("10.0.0.1:50051", "10.0.0.2:50051")
    assert names.asked == ["billing", "billing"]


@pytest.mark.parametrize("fault", [OSError("no such host"), UnicodeError("label too long")])
async def test_while_names_are_not_resolved_they_lead_where_they_led_before(fault: Exception) -> None:
    names = Names("10.0.0.1")
    await names.behind("billing:50051")
    names.fault = fault
    names.clock.advance(60)
    assert await names.behind("billing:50051") == ("10.0.0.1:50051",)


async def test_a_name_that_was_never_resolved_stays_a_name() -> None:
    names = Names()
    assert await names.behind("billing:50051") == ("billing:50051",)
    names.fault = OSError("no such host")
    assert await names.behind("sales:50051") == ("sales:50051",)


async def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff.resolver.LOOKUP_SECONDS", 0.0)
    names = Names("10.0.0.1")
    names.hangs = True
    assert await names.behind("billing:50051") == ("billing:50051",)
