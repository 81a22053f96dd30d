"""A policy file's bytes as nodes that know their place."""
