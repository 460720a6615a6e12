"""Runs the whole mesh on one machine: every part a process of its own, started by asking, stopped by process id."""
