"""The brain that needs no key: rules in YAML that decide what to say or do next."""
