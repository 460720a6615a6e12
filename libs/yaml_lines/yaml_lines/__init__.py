"""YAML that people write, read with its line numbers: every complaint says where, what is wrong, and what would be right."""
