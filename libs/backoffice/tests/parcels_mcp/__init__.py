"""The example of the README, whole: what the library is tested with."""
