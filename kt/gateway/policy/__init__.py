"""The policy that a gateway loads, and its judgement."""
