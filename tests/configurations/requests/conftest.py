"""Persons, each with a token of their own."""

import pytest
from rest_framework.test import APIClient

from tests.support.eyes import person


@pytest.fixture
def ada(db: None) -> APIClient:
    """Who asks."""
    return person("ada")


@pytest.fixture
def bob(db: None) -> APIClient:
    """Who confirms."""
    return person("bob")
