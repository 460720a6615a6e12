"""Escalation's back office: an MCP server over a database. What may be offered, and to whom, is decided here and nowhere else."""
