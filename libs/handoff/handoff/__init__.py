"""How a call survives a change of agent, a deploy, a crash."""
