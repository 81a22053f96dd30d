"""Who may: the bearer tokens of the API."""
