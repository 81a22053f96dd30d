"""`kt drift`: a checkout against the control plane and its gateways."""
