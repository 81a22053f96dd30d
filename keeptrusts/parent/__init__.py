"""Parent of all processes: what starts them, starts them again, and ends them."""
