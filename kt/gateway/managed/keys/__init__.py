"""Client keys that the control plane issues: proven, stored, put into force."""
