"""The commands of `kt`: their names, their options, and their completion in shells."""
