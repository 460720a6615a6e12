"""The callers' voices as data: reduced style tables and the phoneme vocabulary; see NOTICE for where they are from."""
