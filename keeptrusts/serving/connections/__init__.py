"""Connections of clients, within their bounds."""
