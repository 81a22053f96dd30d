"""What is to be enforced: configurations and their immutable versions."""
