"""The fleet: gateways, their bindings, signed statements, reports and drift."""
