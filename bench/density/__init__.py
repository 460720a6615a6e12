"""How many calls one worker holds: CPU and memory of a call, and what callers hear while it is full. `bench/README.md`"""
