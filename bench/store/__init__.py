"""What the mesh costs its Redis: see __main__.py."""
