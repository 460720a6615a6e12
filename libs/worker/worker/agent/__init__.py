"""The agent in a call: what it hears, notes, says, and asks its brain and its tools."""
