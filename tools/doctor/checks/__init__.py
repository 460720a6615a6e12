"""One check for each thing that has kept a mesh from answering, or would. Each is a function with the reason why it exists."""
