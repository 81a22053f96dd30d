"""Words for people about a policy."""
