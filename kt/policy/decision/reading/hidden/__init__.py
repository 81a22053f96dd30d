"""Text that is hidden in other text, and the readings that show it to every kind."""
