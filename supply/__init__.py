"""Parts the project is built of: its pins, their licences, the list of them, advisories."""
