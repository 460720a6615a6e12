"""Sales: plans, quotes, demos."""
