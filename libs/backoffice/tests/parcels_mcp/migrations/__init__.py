"""The schema of the example."""
