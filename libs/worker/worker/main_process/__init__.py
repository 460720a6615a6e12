"""What a worker's main process is made of: it takes offers and jobs, counts places, drains, and tells how it is."""
