"""Notifications: their endpoints, and what was sent."""
