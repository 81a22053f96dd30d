"""Processes of `manage.py up`: supervisor, broker, beat and its heartbeat."""
