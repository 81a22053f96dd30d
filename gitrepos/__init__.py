"""Linked git repositories, polled and synced: the source of policies."""
