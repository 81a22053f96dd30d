"""Drift: the differences between git, the control plane and gateways."""
