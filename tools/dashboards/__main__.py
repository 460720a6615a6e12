"""Dashboards: `python -m tools.dashboards write` writes them for Grafana into charts/dashboards; `draw --prometheus URL --out DIR` draws them from
a running Prometheus, each into one HTML file, where no Grafana is at hand."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.dashboards import DASHBOARDS
from tools.dashboards.grafana import text_of
from tools.dashboards.page import height_of, page
from tools.dashboards.panel import Dashboard
from tools.dashboards.prometheus import NoAnswer, Prometheus, Span
from tools.house import ROOT

FOLDER = ROOT / "charts" / "dashboards"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_POINTS = 180
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_SECONDS = 60
_WIDTH = 1400


def seconds(text: str) -> float:
    """3h is 10800."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text}: a number and s, m, h or d")
    return float(found[1]) * _UNITS[found[2]]


def write() -> None:
    """All of them; files of dashboards that are no more are removed."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for dashboard in DASHBOARDS:
        (FOLDER / f"{dashboard.name}.json").write_text(text_of(dashboard))
        print(FOLDER / f"{dashboard.name}.json")


def draw(options: argparse.Namespace) -> int:
    """1 when Prometheus does not answer; else each page's path is printed."""
    prometheus = Prometheus(options.prometheus)
    end = options.at or time.time()
    span = Span(end - options.last, end, max(15.0, options.last / _POINTS))
    try:
        prometheus.at("vector(1)", end)
    except NoAnswer as problem:
        print(problem, file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    given = dict(pair.split("=", 1) for pair in options.set)
    for dashboard in DASHBOARDS:
        if options.only and dashboard.name not in options.only:
            continue
        _draw_one(dashboard, prometheus, span, given, options)
    return 0


def _draw_one(
    dashboard: Dashboard, prometheus: Prometheus, span: Span, given: dict[str, str], options: argparse.Namespace
) -> None:
    chosen = {one.name: given.get(one.name, one.default) for one in dashboard.variables}
    file = options.out / f"{dashboard.name}.html"
    file.write_text(page(dashboard, prometheus, span, chosen))
    print(file)
    if options.png and (picture := _picture(file, height_of(dashboard))):
        print(picture)


def _picture(file: Path, height: int) -> Path | None:
    """Beside it, by a browser without a window; None, and a word about it, where there is none."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print("no Chromium on the PATH: no picture", file=sys.stderr)
        return None
    picture = file.with_suffix(".png")
    with tempfile.TemporaryDirectory(prefix="voicemesh-browser-", ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        command = [
            browser,
            *options,
            f"--window-size={_WIDTH},{height}",
            f"--screenshot={picture}",
            file.resolve().as_uri(),
        ]
        subprocess.run(command, capture_output=True, timeout=_BROWSER_SECONDS, check=False)
    return picture if picture.is_file() else None


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write", help="charts/dashboards/*.json, out of tools/dashboards")
    drawing = commands.add_parser("draw", help="one HTML file for each, from a running Prometheus")
    drawing.add_argument("--prometheus", required=True, metavar="URL", help="e.g. http://127.0.0.1:9090")
    drawing.add_argument("--out", required=True, type=Path, metavar="DIR")
    drawing.add_argument("--last", type=seconds, default=seconds("3h"), metavar="3h", help="how much time is shown")
    drawing.add_argument(
        "--at",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="its end, in seconds since the epoch; now, if not given",
    )
    drawing.add_argument("--set", action="append", default=[], metavar="service=sales", help="a variable's value")
    drawing.add_argument(
        "--only", action="append", default=[], choices=[one.name for one in DASHBOARDS], metavar="NAME"
    )
    drawing.add_argument("--png", action="store_true", help="a picture of each as well (needs Chromium)")
    options = parser.parse_args()
    if options.command == "write":
        write()
        return 0
    return draw(options)


if __name__ == "__main__":
    sys.exit(main())
