"""Reports and decisions of gateways, and metrics of rollouts."""
