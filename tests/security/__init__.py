"""Attacks, and what holds them."""
