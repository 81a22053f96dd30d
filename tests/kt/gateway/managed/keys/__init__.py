"""Client keys of the control plane, in a managed gateway."""
