"""The YAML reader: a policy file's bytes to nodes with line and column."""
