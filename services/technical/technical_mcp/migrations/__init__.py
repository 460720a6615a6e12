"""The versions of technical's own schema, shipped inside the package."""
