"""report.html: one page that needs nothing but itself. It shows the call, plays it, and says what came of it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.caller.captions import CALLER
from local.caller.recording import Recording
from local.report.listener import Note
from local.report.timeline import player
from local.report.view import View, words

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; media-src data:; img-src data:"
"""The browser itself makes sure that the page calls nobody."""


def render_page(
    report: dict[str, Any],
    recording: Recording,
    *,
    title: str,
    failures: Sequence[str] | None = None,
    notes: Sequence[Note] = (),
) -> str:
    """The whole page as text. ``failures`` are the expectations not met (None: there were none to meet)."""
    view = View(report, recording)
    body = "\n".join(
        [
            _header(report, recording, title),
            _cards(report, view, failures),
            _failures(failures),
            player(view),
            '<div class="columns">',
            _transcript(view),
            "<div>",
            _handoffs(report),
            _table("What was known", report["facts"], "No facts were learned."),
            _list("What the tools changed", report["effects"], "No tool changed anything."),
            _listener(notes, view),
            _table("Versions", report["versions"], "Not noted."),
            "</div></div>",
        ]
    )
    css, script = ((_HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{words(title)}: report of a call</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _header(report: dict[str, Any], recording: Recording, title: str) -> str:
    started = datetime.datetime.fromtimestamp(recording.started_at, tz=datetime.UTC)
    facts = [
        f"{recording.channel} call",
        f"{recording.duration_ms / 1000:.1f} s",
        f'<time datetime="{started.isoformat(timespec="seconds")}">{started:%Y-%m-%d %H:%M:%S} UTC</time>',
        f"<code>{words(recording.call_id)}</code>",
    ]
    return f'<header><h1>{words(title)}</h1><p class="sub">{" · ".join(facts)}</p></header>'


def _cards(report: dict[str, Any], view: View, failures: Sequence[str] | None) -> str:
    good = "good" if report["outcome"] == "resolved" else "fair"
    ways = " <i>→</i> ".join(f'<b class="{view.colour(s)}">{words(s)}</b>' for s in report["services"]) or "nobody"
    cards = [
        _card("Outcome", f'<span class="{good}">{words(report["outcome"].replace("_", " "))}</span>'),
        _card("Services", ways),
    ]
    heard = [h for h in report["handoffs"] if h["gap_ms"] is not None]
    for handoff in heard:
        name = "Handoff" if len(heard) == 1 else f"{handoff['from_service']} → {handoff['to_service']}"
        cards.append(_card(name, f"{handoff['gap_ms']} ms", _loss(handoff)))
    answered = report["response_ms"]
    if answered["median"] is not None:
        seconds = f"{answered['median'] / 1000:.1f} s"
        cards.append(
            _card("Answers after", seconds, f"median of {len(answered['each'])}; p95 {answered['p95'] / 1000:.1f} s")
        )
    if failures is not None:
        met = (
            '<span class="good">all met</span>' if not failures else f'<span class="bad">{len(failures)} not met</span>'
        )
        cards.append(_card("Expectations", met))
    return f'<section class="cards" aria-label="Summary">{"".join(cards)}</section>'


def _at_the_ear(handoff: dict[str, Any]) -> str:
    if handoff["from_service"] == handoff["to_service"]:
        return "a move to another worker of the service, in a pause of the conversation"
    return "the taker was not heard" if handoff["gap_ms"] is None else f"{handoff['gap_ms']} ms {_loss(handoff)}"


def _loss(handoff: dict[str, Any]) -> str:
    clipped = "not measured" if handoff["clipped_ms"] is None else f"{handoff['clipped_ms']} ms"
    return f"of silence at the caller's ear; overlap {handoff['overlap_ms']} ms, clipped {clipped}"


def _card(name: str, value: str, small: str = "") -> str:
    more = f"<small>{words(small)}</small>" if small else ""
    return f'<div class="card"><h2>{words(name)}</h2><p>{value}</p>{more}</div>'


def _failures(failures: Sequence[str] | None) -> str:
    if not failures:
        return ""
    items = "".join(f"<li>{words(failure)}</li>" for failure in failures)
    return f'<section class="failures" role="alert"><h2>Not as expected</h2><ul>{items}</ul></section>'


def _transcript(view: View) -> str:
    items, waiting = [], view.handovers()
    for turn in view.report["turns"]:
        if waiting and turn["speaker"] == waiting[0]["to_service"] and turn["start_ms"] >= waiting[0]["at_ms"]:
            handoff = waiting.pop(0)
            said = f"handed over to {words(handoff['to_service'])} · {handoff['gap_ms']} ms of silence"
            items.append(f'<li class="over"><span>{said}</span></li>')
        at = turn["start_ms"] / 1000
        side = "mine" if turn["speaker"] == CALLER else ""
        items.append(
            f'<li class="turn {side} {view.colour(turn["speaker"])}" data-start="{turn["start_ms"]}" data-end="{turn["end_ms"]}">'
            f'<button type="button"><span class="by"><b>{words(turn["speaker"])}</b> '
            f"<time>{int(at) // 60}:{int(at) % 60:02d}</time></span> {words(turn['text'])}</button></li>"
        )
    return f'<section aria-labelledby="said-h"><h2 id="said-h">What was said</h2><ol class="turns">{"".join(items)}</ol></section>'


def _handoffs(report: dict[str, Any]) -> str:
    parts = []
    for handoff in report["handoffs"]:
        steps = handoff["steps"]
        longest = max([*steps.values(), 1])
        rows = "".join(
            f'<tr><th scope="row">{words(name)}</th><td class="num">{ms:,.0f} ms</td>'
            f'<td class="barcell"><i style="width:{max(100 * ms / longest, 0.5):.1f}%"></i></td></tr>'
            for name, ms in steps.items()
        )
        parts.append(
            f"<h3>{words(handoff['from_service'])} → {words(handoff['to_service'])}</h3><p>{words(_at_the_ear(handoff))}.</p>"
            f'<table><caption class="unseen">Steps, in milliseconds since the offer</caption><tbody>{rows}</tbody></table>'
        )
    body = "".join(parts) or '<p class="none">The call was not handed over.</p>'
    return f"<section><h2>Handoff, step by step</h2>{body}</section>"


def _listener(notes: Sequence[Note], view: View) -> str:
    if not notes:
        return ""
    items = "".join(
        f'<li><b class="{view.colour(n.service)}">{words(n.service)}</b> {words(n.text) or "<i>nothing understood</i>"}</li>'
        for n in notes
    )
    return (
        "<section><details><summary>What a listener wrote down</summary>"
        f'<p class="none">Speech recognition over the caller\'s ear, knowing nothing of the call.</p><ul class="notes">{items}</ul>'
        "</details></section>"
    )


def _table(title: str, entries: dict[str, str], otherwise: str) -> str:
    rows = "".join(f'<tr><th scope="row">{words(k)}</th><td>{words(str(v))}</td></tr>' for k, v in entries.items())
    body = f"<table><tbody>{rows}</tbody></table>" if rows else f'<p class="none">{words(otherwise)}</p>'
    return f"<section><h2>{words(title)}</h2>{body}</section>"


def _list(title: str, entries: Sequence[str], otherwise: str) -> str:
    items = "".join(f"<li>{words(entry)}</li>" for entry in entries)
    body = f'<ul class="effects">{items}</ul>' if items else f'<p class="none">{words(otherwise)}</p>'
    return f"<section><h2>{words(title)}</h2>{body}</section>"
