"""Lines of the log, and traces: all that a process tells of what it does."""
