"""Ideas: what a clause asks for, by concepts, whatever the words and the language."""
