"""Chaos: calls on a real mesh, struck at chosen moments of the protocol, and judged by what the caller heard and the record says."""
