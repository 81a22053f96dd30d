"""The models that options name."""
