"""Lists in one manner: what may be asked of each, and the one code that answers."""
