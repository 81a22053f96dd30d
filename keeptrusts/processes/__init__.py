"""Parts of the stack as they know of each other: which are down, and when beat last ticked."""
