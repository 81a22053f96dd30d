"""Configurations, which gateways enforce, and their immutable versions."""
