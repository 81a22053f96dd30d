"""What happened that somebody should know of: a log that people and alerts read."""
