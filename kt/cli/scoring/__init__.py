"""Scoring of a policy on labelled texts."""
