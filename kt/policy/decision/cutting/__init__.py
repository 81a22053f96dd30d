"""Redaction: hits in a body, and the markers that take their place."""
