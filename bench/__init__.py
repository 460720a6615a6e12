"""Measurements of the mesh; each is a module to run, and leaves its results in `bench/results/`."""
