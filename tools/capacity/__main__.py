"""`python -m tools.capacity --calls 200 --mix 40/35/15/10`: pods, cores and gigabytes for so many calls at a time, by what was measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bench.density.capacity import Pod
from tools.capacity.figures import DENSITY, FIGURES
from tools.capacity.gpu import Prices, break_even, cpu_cost, full_gpu_pays, gpu_cost, gpus
from tools.capacity.plan import SPECIALISTS, Plan, Question, plan


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 2 for a question that has no answer."""
    options = _parser().parse_args(arguments)
    try:
        question = _question(options)
        answer = plan(question)
        prices = _prices(options)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    print("\n".join(shown(question, answer)))
    if prices is not None:
        print("\n".join(["", *shown_gpu(answer.calls, prices)]))
    return 0


def shown(question: Question, answer: Plan) -> list[str]:
    """The plan, for a person."""
    lines = [
        f"{question.calls} calls at a time, {answer.calls} at the peak; {question.places} places a pod, aim {question.aim};"
        f" a pod of {question.pod.cores:g} cores and {question.pod.gib:g} GiB holds {answer.holds.calls}",
        "",
        f"{'service':<12}{'calls at the peak':>18}{'pods':>6}{'usual':>7}   asked for by",
    ]
    for each in answer.services:
        lines.append(f"{each.service:<12}{each.calls:>18}{each.pods:>6}{each.usual_pods:>7}   {each.because}")
    pods, usual = sum(each.pods for each in answer.services), sum(each.usual_pods for each in answer.services)
    lines += [
        f"{'all':<12}{sum(each.calls for each in answer.services):>18}{pods:>6}{usual:>7}",
        "",
        f"{'':<24}{'cores':>8}{'GiB':>8}",
        _row("workers, used", answer.workers),
        _row("workers, to request", answer.requested),
        _row("Redis", answer.redis) + f"   maxclients above {answer.redis_connections}",
        _row("LiveKit", answer.livekit),
    ]
    if answer.speech_pods:
        lines.append(_row("embedded speech", answer.speech) + f"   {answer.speech_pods} pods")
    lines += [f"\nwatch out: {warning}" for warning in answer.warnings]
    lines.append(f"\nFigures: {DENSITY} (one hyperthread each; measure yours: python -m bench.density).")
    return lines


def shown_gpu(calls: int, prices: Prices) -> list[str]:
    """Whether a GPU pays off, for a person."""
    found = break_even(prices)
    lines = [
        f"speech to text for {calls} calls, an hour: {cpu_cost(calls, prices):.2f} on CPU ({prices.stt_cores:g} cores a call),"
        f" {gpu_cost(calls, prices):.2f} on {gpus(calls, prices)} GPUs ({prices.streams} streams each, {prices.spare_gpus} spare)"
    ]
    if found.first is None:
        full = (
            "even one that is always full costs more than the cores that it replaces"
            if not full_gpu_pays(prices)
            else "the spare ones eat the difference"
        )
        return [*lines, f"break-even: at no number of calls; {full}"]
    lines.append(f"break-even: {found.first} calls at a time; cheaper at every number from {found.always or 'none'} on")
    return lines


def _row(name: str, pod: Pod) -> str:
    return f"{name:<24}{pod.cores:>8.1f}{pod.gib:>8.1f}"


def _question(options: argparse.Namespace) -> Question:
    parts = options.mix.split("/")
    try:
        mix = dict(zip(SPECIALISTS, map(float, parts), strict=True))
    except ValueError:
        raise ValueError(f"--mix {options.mix}: give four per cents, {'/'.join(SPECIALISTS)}, as 40/35/15/10") from None
    return Question(
        calls=options.calls,
        mix=mix,
        call_seconds=options.call_seconds,
        triage_seconds=options.triage_seconds,
        handoffs=options.handoffs,
        peak=options.peak,
        places=options.places,
        aim=options.aim,
        spare_pods=options.spare_pods,
        nodes=options.nodes,
        nodes_lost=options.nodes_lost,
        pod=Pod(options.pod_cores, options.pod_gib),
        embedded_speech=options.speech == "embedded",
    )


def _prices(options: argparse.Namespace) -> Prices | None:
    given = (options.gpu_hour, options.core_hour, options.gpu_streams)
    if not any(given):
        return None
    if not all(given):
        raise ValueError("a GPU's calculation needs all three: --gpu-hour, --core-hour and --gpu-streams")
    return Prices(
        gpu_hour=options.gpu_hour,
        core_hour=options.core_hour,
        streams=options.gpu_streams,
        stt_cores=options.stt_cores,
        spare_gpus=options.spare_gpus,
    )


def _at_least(low: float, kind: type = float):  # type: ignore[no-untyped-def]
    def parse(text: str) -> float:
        number = kind(text)
        if number < low:
            raise argparse.ArgumentTypeError(f"{text} is below {low:g}")
        return float(number) if kind is float else number

    return parse


def _parser() -> argparse.ArgumentParser:
    usual = Question(calls=1, mix={})
    parser = argparse.ArgumentParser(prog="python -m tools.capacity", description=__doc__)
    add = parser.add_argument
    whole, number = _at_least(0, int), _at_least(0)
    add("--calls", type=_at_least(1, int), required=True, help="at the same time, on a usual day")
    add(
        "--mix",
        default="40/35/15/10",
        help=f"per cent of them by specialist, {'/'.join(SPECIALISTS)} (default: %(default)s)",
    )
    add(
        "--peak",
        type=_at_least(1),
        default=usual.peak,
        help="the busiest hour's calls to the usual ones, as 1.8 (default: %(default)s)",
    )
    add("--call-seconds", type=_at_least(10), default=usual.call_seconds, help="a call's length (default: %(default)s)")
    add("--triage-seconds", type=number, default=usual.triage_seconds, help="of it with triage (default: %(default)s)")
    add("--handoffs", type=number, default=usual.handoffs, help="of a call, on average (default: %(default)s)")
    add("--places", type=_at_least(1, int), default=usual.places, help="VOICEMESH_MAX_SESSIONS (default: %(default)s)")
    add(
        "--aim",
        type=_at_least(1, int),
        default=usual.aim,
        help="the autoscaler's active_sessions (default: %(default)s)",
    )
    add("--pod-cores", type=_at_least(0.1), default=usual.pod.cores, help="a worker's limit (default: %(default)s)")
    add("--pod-gib", type=_at_least(0.1), default=usual.pod.gib, help="a worker's limit (default: %(default)s)")
    add(
        "--spare-pods",
        type=whole,
        default=usual.spare_pods,
        help="of each service that may be away, N+1 (default: %(default)s)",
    )
    add(
        "--nodes",
        type=whole,
        default=usual.nodes,
        help="that pods are spread over; 0 = do not reckon with it (default: %(default)s)",
    )
    add("--nodes-lost", type=whole, default=usual.nodes_lost, help="of them at a time (default: %(default)s)")
    add(
        "--speech",
        choices=("remote", "embedded"),
        default="remote",
        help="embedded: on cores of yours (default: %(default)s)",
    )
    money = parser.add_argument_group("does a GPU for speech to text pay off (all prices are yours, an hour)")
    money.add_argument("--gpu-hour", type=number, help="price of a node with one GPU")
    money.add_argument("--core-hour", type=number, help="price of one core")
    money.add_argument(
        "--gpu-streams", type=whole, help="calls that one GPU transcribes at a time, measured with your model"
    )
    money.add_argument(
        "--stt-cores",
        type=_at_least(0.001),
        default=FIGURES.speech_to_text_cores,
        help="cores of one call's speech to text on CPU (default: 0.05, whisper tiny.en)",
    )
    money.add_argument("--spare-gpus", type=whole, default=1, help="that may fail (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
