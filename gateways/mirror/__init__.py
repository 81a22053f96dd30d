"""The fleet in memory: gateways, what each is to enforce, and the bytes of that."""
