"""What a caller's words mean: what he wants, which facts are in them, and how he feels. Pure, some milliseconds a turn."""
