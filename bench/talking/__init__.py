"""How quick the mesh is in conversation: see ``python -m bench.talking --help``."""
