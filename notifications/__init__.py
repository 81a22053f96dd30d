"""Notifications: events, sent to endpoints that admins name."""
