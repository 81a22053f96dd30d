"""Notification endpoints: made, edited, deleted; whom an event is for."""
