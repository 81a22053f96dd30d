"""The asked half of a link and its writers; conditions, stored secrets and their rotation."""
