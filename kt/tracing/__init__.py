"""Traces: the id that a request has on its way through all processes."""
