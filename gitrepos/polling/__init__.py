"""Polls of remotes: claims, schedule, hosts in trouble, places, metrics."""
