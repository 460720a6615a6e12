"""Draws calls out of what a collector wrote: `python -m tools.trace --help`."""
