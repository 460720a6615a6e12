"""`python -m tools.capacity`: how many pods, cores and gigabytes so many calls need, by what was measured. See docs/operations/capacity.md."""
