"""`manage.py create_token`, for when no token is left."""

import io

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from access.models import Token

pytestmark = [pytest.mark.django_db]


def test_a_token_made_at_the_shell_opens_when_all_others_are_revoked(
    admin: APIClient, client: APIClient
) -> None:
    """It is printed, and only its digest is kept."""
    assert admin.delete(f"/v1/tokens/{Token.objects.get().pk}").status_code == 200
    printed = io.StringIO()

    call_command("create_token", "on call", stdout=printed)

    client.credentials(HTTP_AUTHORIZATION=f"Bearer {printed.getvalue().strip()}")
    assert client.get("/v1/whoami").json()["data"]["token"]["name"] == "on call"
