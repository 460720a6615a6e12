"""A mesh that stays up beside the terminal: up, down, status, logs, call, restart."""
