"""Writes of people: each upon the state that its caller saw, and once however often it is sent."""
