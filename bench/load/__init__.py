"""`python -m bench.load`: synthetic callers against the mesh, ever more of them or for a long time, and what became of it.

Three tiers: `audio` (spoken calls on a real LiveKit), `soundless` (hundreds and thousands at once on real gRPC and Redis, in made-up
rooms), `soak` (a steady rate for an hour, and whether anything grows). docs/operations/load.md tells how to read what it writes.
"""
