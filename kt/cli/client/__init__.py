"""Parts that all commands share which speak to a control plane."""
