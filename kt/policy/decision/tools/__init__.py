"""Tool calls of a body, and the rules that permit them."""
