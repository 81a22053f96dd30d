"""Loading a policy, and judging requests and answers by it."""
