"""A call goes to another agent, or waits for one: the giver's side, the ladder, hold, and what the caller hears of it."""
