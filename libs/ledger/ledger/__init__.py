"""The ledger: every call's one ending, kept in a database beyond the life of the call; and the callbacks that were promised."""
