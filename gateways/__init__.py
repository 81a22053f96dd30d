"""Where it runs: gateways, what each is bound to, signed statements, reports, drift."""
