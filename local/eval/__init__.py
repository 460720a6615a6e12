"""Evals: conversations in YAML, played through the real agents as text and judged on what came of them. README.md is for people."""
