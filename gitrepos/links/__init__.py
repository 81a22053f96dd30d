"""Links as people ask for them, and their writers; conditions, sealed secrets, rotation."""
