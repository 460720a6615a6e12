"""The front door for browsers: a page to call from, a token for each call."""
