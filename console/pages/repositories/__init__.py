"""Pages of linked repositories and of what they prove themselves with."""
