"""Forges' APIs: what proves requests to them, and what they are told of commits."""
