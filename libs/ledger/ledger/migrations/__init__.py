"""The schema, version by version; only ``versions`` is run, by ``LedgerDatabase.prepare``."""
