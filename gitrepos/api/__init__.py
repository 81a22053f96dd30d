"""The API of links, shared credentials and the overview."""
