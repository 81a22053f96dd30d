"""The decision log, the spool of decisions, and metrics."""
