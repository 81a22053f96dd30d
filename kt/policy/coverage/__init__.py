"""Coverage of a policy's tests: what of the policy their cases reach."""
