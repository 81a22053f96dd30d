"""Findings about an installation, with what helps: `manage.py doctor`."""
