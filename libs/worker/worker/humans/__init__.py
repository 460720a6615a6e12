"""Humans of ours who take a call: at the desk, or by telephone with a switchboard in their place."""
