"""What people and gateways ask of the fleet, and who is asking."""
