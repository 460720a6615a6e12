"""Billing's back office: an MCP server over a database. Who may be refunded what is decided here and nowhere else."""
