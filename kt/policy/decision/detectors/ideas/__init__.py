"""The ideas that the built-in kinds look for, and the words of their concepts."""
