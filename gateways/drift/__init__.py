"""Where git, the control plane and gateways differ."""
