"""Tests of `keeptrusts.serving`."""
