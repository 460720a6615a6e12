"""How soon a struck call goes on, at the caller's ear."""
