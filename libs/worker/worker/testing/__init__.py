"""For tests, of this package and of the services: time that is told, doubles, and calls on paper."""
