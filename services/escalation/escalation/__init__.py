"""Escalation: the customer care lead. Retention offers, complaints, manager callbacks, the way to a human."""
