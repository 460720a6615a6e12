"""The whole voice mesh on one machine with no key: supervisor, embedded speech, recorded callers, report."""
