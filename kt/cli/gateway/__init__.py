"""`kt gateway run`: its options, and what it says when a part is missing."""
