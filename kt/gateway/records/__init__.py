"""The decision log, the spool of decisions, metrics."""
