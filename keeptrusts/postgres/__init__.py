"""Django's backend for PostgreSQL, with time limits for its answers."""
