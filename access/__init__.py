"""The bearer tokens of the API: who may use it."""
