"""Calls that lost their agent, as main processes see them: who notices, who wins, who is sent."""
