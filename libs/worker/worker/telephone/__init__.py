"""Callers on the telephone: how they are known, and what they type."""
