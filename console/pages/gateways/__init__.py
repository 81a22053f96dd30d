"""Pages of gateways: how they stand, how they come, and what binds them."""
