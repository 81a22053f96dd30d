"""What people send and see of links, shared credentials and the whole."""
