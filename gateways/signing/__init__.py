"""Signed statements of what a gateway is to enforce, and the keys that sign them."""
