"""What is wrong with an installation, and what helps: `manage.py doctor`."""
