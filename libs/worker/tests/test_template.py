"""What every job needs is made once, in the template that their processes are forked from."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from worker.agent import cast
from worker.job import template
from worker.job.entry import PRELOAD, preload
from worker.testing.text_call import paper_service


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "billing").mkdir()
    module = ModuleType("paper.agent")
    module.SERVICE = paper_service(tmp_path / "billing")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "paper.agent", module)
    return module


def test_the_service_is_imported_before_what_is_made_ready_of_it(imported: ModuleType) -> None:
    service = imported.SERVICE
    assert preload(service) == [*PRELOAD, service.agent.__module__, "worker.job.template"]


def test_a_service_is_found_by_its_module_and_warmed_up(imported: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[object] = []
    monkeypatch.setattr(cast, "warm", warmed.append)
    template.warm()
    assert imported.SERVICE in warmed


def test_a_playbook_that_cannot_be_read_does_not_take_the_template_with_it(
    imported: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ValueError("no such file")

    monkeypatch.setattr(cast, "warm", broken)
    template.warm()
