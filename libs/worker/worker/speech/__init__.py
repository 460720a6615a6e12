"""Ears and voice: providers and their stand-ins, sentences rendered ahead, and the gate on an agent's voice."""
