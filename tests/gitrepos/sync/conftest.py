"""Persons, each with a token of their own."""

import pytest
from rest_framework.test import APIClient

from tests.support.eyes import person


@pytest.fixture
def author(db: None) -> APIClient:
    """Who commits: the address of the repository's author."""
    return person("author")


@pytest.fixture
def bob(db: None) -> APIClient:
    """A colleague."""
    return person("bob")
