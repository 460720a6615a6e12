"""Which pod a scale-down takes: the idle one, for each worker pod's deletion cost is the number of calls that it holds."""
