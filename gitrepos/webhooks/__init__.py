"""Deliveries of forges: whether one is genuine, and what it starts."""
