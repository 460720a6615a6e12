"""What it costs that the mesh tells of itself."""
