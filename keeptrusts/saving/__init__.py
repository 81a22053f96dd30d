"""Backups of the database, whichever it is: a file of rows, and back."""
