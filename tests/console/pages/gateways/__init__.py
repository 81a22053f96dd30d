"""Tests of the pages of gateways."""
