"""Technical's back office: an MCP server over a database. What a fault is, and whose ticket may be read, is decided here and nowhere else."""
