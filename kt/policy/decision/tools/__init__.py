"""Tool calls of a body, and who may make them."""
