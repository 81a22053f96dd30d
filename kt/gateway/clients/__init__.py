"""Keys of clients and their limits."""
