"""The schema's versions, shipped inside the package."""
