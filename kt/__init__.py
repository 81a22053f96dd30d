"""Keeptrusts' command and gateway; `kt.policy` is the language both roofs share."""

__version__ = "0.1.0"
