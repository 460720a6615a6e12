"""Triage: greets, understands, answers the general question, hands over."""
