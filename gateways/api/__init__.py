"""The fleet's HTTP API, for people and for gateways, and its authentication."""
