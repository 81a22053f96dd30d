"""Four eyes: changes that a second person confirms."""
