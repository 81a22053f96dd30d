"""Notifications that wait: made of events, in order, claimed, noted, forgotten."""
