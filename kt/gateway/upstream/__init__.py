"""Targets, their choice, what is sent to them and what comes back."""
