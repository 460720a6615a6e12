"""How well callers are understood: the training set of the intent classifier, its training, and its measurement."""
