"""Settings from the environment, read once and typed. A bad value stops the start."""
