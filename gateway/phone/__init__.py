"""Telephone numbers: one YAML says which service answers which number, and LiveKit is made to agree with it."""
