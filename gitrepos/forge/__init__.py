"""Requests to forges: checks, packs, connections and the addresses that are allowed."""
