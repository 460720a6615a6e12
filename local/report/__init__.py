"""The report of a call: what the ear says, what the record says, what a listener heard, on one page."""

from local.report.build import build_report, steps_of, turns_of
from local.report.expect import failures
from local.report.listener import Note, listen
from local.report.page import render_page
from local.report.write import write

__all__ = [
    "Note",
    "build_report",
    "failures",
    "listen",
    "render_page",
    "steps_of",
    "turns_of",
    "write",
]
