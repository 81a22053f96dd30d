"""Events: a log of what happened, for people and alerts."""
