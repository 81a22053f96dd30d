"""Calls to forges: the check, packs, connections and the addresses that may be dialled."""
