"""Failures of PostgreSQL and Redis: their kinds, their report, and checks with a time limit."""
