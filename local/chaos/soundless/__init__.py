"""The protocol under fire without audio: real Redis, real gRPC, the real giver, taker, checkpoint and guardian; the rooms are made up.

Agents are tasks that can be killed, frozen and put out. Thousands of handoffs take minutes instead of days, and a fault can hit at the
very step where it hurts.
"""
