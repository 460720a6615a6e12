"""Sales' back office: an MCP server over plans, quotes, leads and the calendar of demos."""
