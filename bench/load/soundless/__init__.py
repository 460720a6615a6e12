"""The soundless tier: the workers of local.chaos.soundless in processes of their own, and ever more callers who think before they speak.

This process is the load generator: LiveKit, its rooms and the callers, all made up. The workers are the system: the real giver, taker,
checkpoint and guardian, on real gRPC and a real Redis. Between the two is a Unix socket.
"""
