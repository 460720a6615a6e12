"""How a handoff sounds at the caller's ear, beside LiveKit's own change of agent inside one worker. `bench/README.md`"""
