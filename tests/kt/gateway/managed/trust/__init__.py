"""Freshness and reset of trust."""
