"""The API of commit statuses."""
