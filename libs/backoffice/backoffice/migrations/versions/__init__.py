"""One file per version of the shared schema, oldest first."""
