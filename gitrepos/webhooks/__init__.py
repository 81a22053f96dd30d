"""Webhook deliveries of forges: their verification and the syncs they start."""
