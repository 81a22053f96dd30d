"""What gateways say of themselves: reports, decisions, and what changes too often for a table."""
