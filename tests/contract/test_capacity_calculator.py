"""`python -m tools.capacity`: its figures are those of the measurements, and its plans keep the promises that it prints."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.density.capacity import CPU_SHARE, MEMORY_SHARE, Line
from tools.capacity.__main__ import main
from tools.capacity.figures import DENSITY, FIGURES, STORE
from tools.capacity.gpu import Prices, break_even, cpu_cost, full_gpu_pays, gpu_cost
from tools.capacity.plan import SPECIALISTS, Question, plan
from tools.house import ROOT

MIX = dict(zip(SPECIALISTS, (40.0, 35.0, 15.0, 10.0), strict=True))
LAUNCH = Question(calls=200, mix=MIX)


# --- where the figures come from ----------------------------------------------------------------------------------
def test_a_call_costs_what_the_density_run_found() -> None:
    text = (ROOT / DENSITY).read_text()
    found = re.search(
        r"By least squares: \*\*([\d.]+) cores\*\* a call, [\d.]+ calls a core and ([\d.]+) with none;"
        r" \*\*(\d+) MiB\*\* a call and (\d+) with none",
        text,
    )
    assert found is not None
    cores, base_cores, mib, base_mib = map(float, found.groups())
    assert FIGURES.worker_cores == Line(base_cores, cores)
    assert FIGURES.worker_mib == Line(base_mib, mib)


def test_livekit_costs_what_stands_beside_the_density_run() -> None:
    text = (ROOT / DENSITY).read_text()
    beside = text.partition("| calls | redis | livekit |")[2]
    rows = dict(re.findall(r"^\| (\d) \| [^|]+\| ([\d. /]+) \|", beside.partition("\n\n")[0], re.MULTILINE))
    (none_cores, none_mib), (cores, mib) = (map(float, rows[calls].split("/")) for calls in ("0", "7"))
    assert FIGURES.livekit_cores == Line(none_cores, (cores - none_cores) / 7)
    assert FIGURES.livekit_mib == Line(none_mib, (mib - none_mib) / 7)


def test_redis_costs_what_the_store_bench_found() -> None:
    text = (ROOT / STORE).read_text()
    assert f"| of a core | {FIGURES.redis_cores.each:.3%} |" in text
    assert f"| memory, 40 turns | {FIGURES.redis_kib_of_call} KiB |" in text
    assert f"| memory of a handoff, for 300 s | {FIGURES.redis_kib_of_handoff} KiB |" in text
    assert f"| memory of a ledger line, for 7 days | {FIGURES.redis_kib_of_line} KiB |" in text


def test_speech_and_back_offices_cost_what_the_capacity_page_says() -> None:
    page = (ROOT / "docs/operations/capacity.md").read_text()
    assert (
        f"{FIGURES.speech_to_text_cores} cores for speech to text, and up to {FIGURES.voices_cores} for voices" in page
    )
    assert f"{FIGURES.speech_mib} MiB" in page
    assert f"takes {FIGURES.office_mib} MiB and next to no CPU" in page


def test_a_pod_of_the_chart_holds_as_many_as_the_capacity_page_says() -> None:
    found = plan(LAUNCH).holds
    assert (found.by_cpu, found.by_memory, found.calls) == (8, 13, 8)


# --- plans --------------------------------------------------------------------------------------------------------
def pods(question: Question) -> dict[str, int]:
    return {each.service: each.pods for each in plan(question).services}


def test_two_hundred_calls_of_the_launch_mix() -> None:
    assert pods(LAUNCH) == {"triage": 5, "billing": 12, "technical": 10, "sales": 5, "escalation": 4}


def test_calls_are_with_triage_first_and_then_where_the_mix_says() -> None:
    calls = {each.service: each.calls for each in plan(LAUNCH).services}
    assert calls == {"triage": 30, "billing": 68, "technical": 60, "sales": 26, "escalation": 17}


def test_a_peak_asks_for_pods_of_its_own_and_the_least_stays_that_of_a_usual_day() -> None:
    usual, peak = plan(LAUNCH), plan(replace(LAUNCH, peak=1.5))
    assert peak.calls == 300
    for before, after in zip(usual.services, peak.services, strict=True):
        assert after.pods > before.pods
        assert after.usual_pods == before.usual_pods


@given(
    calls=st.integers(1, 3000),
    places=st.integers(2, 60),
    spare=st.integers(0, 4),
    nodes=st.integers(2, 40),
    lost=st.integers(0, 1),
    peak=st.floats(1, 5),
)
def test_with_pods_away_or_a_node_lost_every_call_has_a_place(
    calls: int, places: int, spare: int, nodes: int, lost: int, peak: float
) -> None:
    question = Question(
        calls=calls, mix=MIX, places=places, aim=max(1, places - 2) if places > 2 else 1, spare_pods=spare,
        nodes=nodes, nodes_lost=lost, peak=peak,
    )  # fmt: skip
    for each in plan(question).services:
        assert (each.pods - spare) * places >= each.calls
        # The node with the most pods goes first.
        assert (each.pods - lost * math.ceil(each.pods / nodes)) * places >= each.calls
        assert each.pods * question.aim >= each.calls


def test_a_node_lost_asks_for_more_than_a_pod_lost() -> None:
    nodes = replace(LAUNCH, nodes=2)
    assert all(pods(nodes)[each] >= number for each, number in pods(LAUNCH).items())
    assert sum(pods(nodes).values()) > sum(pods(LAUNCH).values())
    assert {each.because for each in plan(nodes).services} >= {"1 node lost"}


def test_what_is_requested_bears_what_is_used_with_the_shares_kept_free() -> None:
    found = plan(LAUNCH)
    assert found.requested.cores * CPU_SHARE >= found.workers.cores
    assert found.requested.gib * MEMORY_SHARE >= found.workers.gib - 90 * 30 / 1024  # back offices request their own


def test_more_places_than_a_pod_holds_are_told() -> None:
    warning, *_ = plan(replace(LAUNCH, places=20, aim=12)).warnings
    assert "holds 8 calls (8 by CPU, 13 by memory), not 20: VOICEMESH_MAX_SESSIONS=8" in warning


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"aim": 8}, "leaves no free place"),
        ({"nodes": 1}, "leaves none"),
        ({"mix": MIX | {"billing": 90.0}}, "must add up to 100"),
    ],
)
def test_a_question_without_an_answer_is_refused_with_what_to_change(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        plan(replace(LAUNCH, **wrong))  # type: ignore[arg-type]


# --- GPUs ---------------------------------------------------------------------------------------------------------
CHEAP = Prices(gpu_hour=1.0, core_hour=0.05, streams=400, stt_cores=0.2, spare_gpus=0)


def test_below_the_break_even_cores_cost_less_and_from_it_on_gpus_do() -> None:
    found = break_even(CHEAP)
    # 1.0 / (0.2 / 0.7 * 0.05) = 70 calls pay for a GPU.
    assert (found.first, found.always) == (70, 70)
    assert gpu_cost(69, CHEAP) > cpu_cost(69, CHEAP)
    assert all(gpu_cost(calls, CHEAP) <= cpu_cost(calls, CHEAP) for calls in range(70, 3000))


def test_each_new_gpu_may_be_dearer_again_until_it_is_used() -> None:
    steps = replace(CHEAP, streams=100)
    found = break_even(steps)
    assert (found.first, found.always) == (70, 210)
    assert gpu_cost(101, steps) > cpu_cost(101, steps)


def test_a_gpu_that_costs_more_than_the_cores_it_replaces_never_pays() -> None:
    dear = replace(CHEAP, streams=60)
    assert not full_gpu_pays(dear)
    assert break_even(dear).first is None


def test_a_spare_gpu_moves_the_break_even() -> None:
    assert (break_even(replace(CHEAP, spare_gpus=1)).first or 0) == 140


# --- the command --------------------------------------------------------------------------------------------------
def test_the_command_prints_pods_and_cores(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calls", "200", "--mix", "40/35/15/10"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^billing +68 +12 +12 ", told, re.MULTILINE)
    assert DENSITY in told
    assert "GPU" not in told


def test_the_command_says_when_a_gpu_pays(capsys: pytest.CaptureFixture[str]) -> None:
    prices = [
        "--gpu-hour",
        "1",
        "--core-hour",
        "0.05",
        "--gpu-streams",
        "400",
        "--stt-cores",
        "0.2",
        "--spare-gpus",
        "0",
    ]
    assert main(["--calls", "200", *prices]) == 0
    assert "break-even: 70 calls at a time; cheaper at every number from 70 on" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--mix", "50/50"], ["--mix", "a/b/c/d"], ["--gpu-hour", "1"], ["--aim", "9"]])
def test_a_wrong_command_is_told_what_to_give(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calls", "200", *wrong]) == 2
    assert capsys.readouterr().err
