"""What a run of evals gives: a table to read, the failing ones with their words, and the same as data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.eval.conversation import Conversation
from local.eval.evidence import Evidence
from local.eval.find import owner


@dataclass(frozen=True, slots=True)
class Result:
    """One conversation with its verdict: what differs from what was expected, empty when it passed."""

    conversation: Conversation
    evidence: Evidence
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.failures


def table(results: Sequence[Result], seconds: float) -> str:
    """Passed, failed and seconds by the folder they lie in."""
    owners = sorted({owner(r.conversation) for r in results}, key=lambda name: (name == "across", name))
    rows = [(name, [r for r in results if owner(r.conversation) == name]) for name in owners]
    lines = [_row("service", "passed", "failed", "seconds")]
    lines += [_counted(name, of_it, sum(r.evidence.seconds for r in of_it)) for name, of_it in rows]
    return "\n".join([*lines, _counted("all", results, seconds)])


def _counted(name: str, results: Sequence[Result], seconds: float) -> str:
    passed = sum(r.passed for r in results)
    return _row(name, str(passed), str(len(results) - passed), f"{seconds:.1f}")


def _row(name: str, passed: str, failed: str, seconds: str) -> str:
    return f"  {name:<14} {passed:>6} {failed:>6} {seconds:>8}"


def described(result: Result, *, root: Path) -> str:
    """A conversation with what went wrong, every word, tool and handoff of it."""
    conversation = result.conversation
    lines = [f"{_shown_path(conversation.path, root)}:{conversation.at_line}: {conversation.name}"]
    lines += [f"  not as expected: {failure}" for failure in result.failures]
    return "\n".join([*lines, *transcript(result.evidence)])


def transcript(evidence: Evidence) -> list[str]:
    """Who said what, then the tools, the handoffs and the rows that changed."""
    lines = [f"    {'caller' if said.is_caller else said.service:>10}: {said.text}" for said in evidence.said]
    for call in evidence.tool_calls:
        lines.append(f"    {call.service:>10}  {call} -> {_short(call.output)}{' (failed)' if call.failed else ''}")
    for handoff in evidence.handoffs:
        facts = ", ".join(f"{fact.name}={_public(fact.name, fact.value)}" for fact in handoff.context.facts)
        lines.append(
            f"    {handoff.from_service:>10}  handed to {handoff.to_service} ({handoff.state}): {facts or 'no facts'}"
        )
    for office, tables in evidence.changes.items():
        for name, diff in tables.items():
            counts = f"{len(diff.added)} added, {len(diff.changed)} changed, {len(diff.removed)} removed"
            lines.append(f"    {office:>10}  table {name}: {counts}")
    if evidence.call is not None:
        lines.append(f"    {'':>10}  ended: {evidence.call.ending or 'not at all'}")
    return lines


def write(results: Sequence[Result], folder: Path, *, seconds: float, root: Path) -> None:
    """``eval.md`` and ``eval.json`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = [r for r in results if not r.passed]
    parts = ["# Evals", "", f"{len(results) - len(failed)} of {len(results)} conversations passed.", ""]
    parts += ["```text", table(results, seconds), "```", ""]
    for title, some in (("Failed", failed), ("Passed", [r for r in results if r.passed])):
        if some:
            parts += [f"## {title}", "", *_fenced(described(r, root=root) for r in some)]
    (folder / "eval.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    data = {"seconds": round(seconds, 1), "conversations": [_data(r, root) for r in results]}
    (folder / "eval.json").write_text(json.dumps(data, indent=1, default=str) + "\n", encoding="utf-8")


def _fenced(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield f"```text\n{text}\n```\n"


def _data(result: Result, root: Path) -> dict[str, Any]:
    evidence, call = result.evidence, result.evidence.call
    return {
        "file": str(_shown_path(result.conversation.path, root)),
        "name": result.conversation.name,
        "owner": owner(result.conversation),
        "passed": result.passed,
        "failures": list(result.failures),
        "seconds": round(evidence.seconds, 2),
        "services": list(call.services) if call else [],
        "ending": call.ending if call else None,
        "effects": list(call.effects) if call else [],
        "said": [{"by": "caller" if s.is_caller else s.service, "text": s.text} for s in evidence.said],
        "tool_calls": [{"service": c.service, "call": str(c), "failed": c.failed} for c in evidence.tool_calls],
        "changes": {
            office: {
                name: {"added": diff.added, "changed": diff.changed, "removed": diff.removed}
                for name, diff in tables.items()
            }
            for office, tables in evidence.changes.items()
        },
    }


def _public(name: str, value: str) -> str:
    return "(held)" if name == "identity_capability" else value


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:159]}…"


def _shown_path(path: Path, root: Path) -> Path:
    try:
        return path.resolve().relative_to(root)
    except ValueError:
        return path
