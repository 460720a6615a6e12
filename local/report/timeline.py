"""The middle of the page: both tracks over time, handoffs marked, the words under them, and the players."""

from __future__ import annotations

from local.caller.captions import CALLER
from local.report.picture import lane
from local.report.sound import as_data_uri
from local.report.view import View, words


def player(view: View) -> str:
    recording = view.recording
    names = [*view.services, CALLER]
    legend = "".join(f'<span class="chip {view.colour(n)}">{words(n)}</span>' for n in names)
    return f"""<section class="player" aria-label="The call, to see and to hear">
<div class="bar">
<button id="play" class="play" type="button" aria-label="Play">▶</button>
<output id="clock" class="clock">0:00.0</output>
<input id="seek" type="range" min="0" max="{view.duration_ms}" step="10" value="0" aria-label="Place in the call">
<label><input type="checkbox" data-track="heard" checked> caller's ear</label>
<label><input type="checkbox" data-track="said" checked> caller's mouth</label>
<span class="zoom"><button type="button" data-zoom="out" aria-label="Show more of the call">−</button>
<button type="button" data-zoom="in" aria-label="Show more detail">+</button></span>
</div>
<div class="legend" aria-hidden="true">{legend}</div>
<div class="scroll" id="scroll" tabindex="0" role="group" aria-label="Time line. Space plays, arrow keys move.">
<div class="line" id="line">
{_marks(view)}
<div class="track"><span class="name">ear</span>{lane(view.agent_tracks(), label="What the caller heard, over time")}</div>
<div class="track"><span class="name">mouth</span>{lane({"who-caller": recording.said}, label="What the caller said, over time")}</div>
{_ruler(view)}
{_spoken_words(view)}
<div class="head" id="head" aria-hidden="true"></div>
</div></div>
<div class="players">
<figure><figcaption>What the caller heard</figcaption><audio id="heard" controls preload="auto" src="{as_data_uri(recording.heard)}"></audio></figure>
<figure><figcaption>What the caller said</figcaption><audio id="said" controls preload="auto" src="{as_data_uri(recording.said)}"></audio></figure>
</div>
</section>"""


def _marks(view: View) -> str:
    marks = []
    for handoff in view.handovers():
        begins = handoff["at_ms"] - handoff["gap_ms"]
        side = " flip" if handoff["at_ms"] > view.duration_ms * 0.8 else ""
        label = f"{words(handoff['from_service'])} → {words(handoff['to_service'])} · {handoff['gap_ms']} ms"
        width = f"calc({view.left(handoff['at_ms'])} - {view.left(begins)})"
        marks.append(f'<div class="gap" style="left:{view.left(begins)};width:max(2px, {width})"></div>')
        marks.append(f'<div class="mark{side}" style="left:{view.left(handoff["at_ms"])}"><span>{label}</span></div>')
    return f'<div class="marks">{"".join(marks)}</div>'


def _ruler(view: View) -> str:
    seconds = view.duration_ms / 1000
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60) if seconds / s <= 16), 120)
    ticks = "".join(
        f'<span style="left:{view.left(at * 1000)}">{at // 60}:{at % 60:02d}</span>'
        for at in range(0, int(seconds) + 1, step)
    )
    return f'<div class="ruler" aria-hidden="true">{ticks}</div>'


def _spoken_words(view: View) -> str:
    """Under the waves: a bar as long as the turn, and its words in the room until the next ones of that row."""
    blocks = []
    turns = view.report["turns"]
    for index, turn in enumerate(turns):
        is_callers = turn["speaker"] == CALLER
        following = (t["start_ms"] for t in turns[index + 1 :] if (t["speaker"] == CALLER) == is_callers)
        room_ms = max(next(following, view.duration_ms) - turn["start_ms"], 1)
        lasts = min(100.0, 100 * (turn["end_ms"] - turn["start_ms"]) / room_ms)
        blocks.append(
            f'<span class="word {"below" if is_callers else "above"} {view.colour(turn["speaker"])}" title="{words(turn["text"])}" '
            f'style="left:{view.left(turn["start_ms"])};width:{view.left(room_ms)};--lasts:{lasts:.1f}%">{words(turn["text"])}</span>'
        )
    return f'<div class="words" aria-hidden="true">{"".join(blocks)}</div>'
