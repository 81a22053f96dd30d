"""One attempt to send a notification, and what becomes of it."""
