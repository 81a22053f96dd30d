"""A policy's own test suites."""
