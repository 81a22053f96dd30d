"""Evidence of what was in force: a log that its operator cannot rewrite once a witness saw it."""
