"""The console in a real browser, used as people use it: by labels, roles and keys."""
