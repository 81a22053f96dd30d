"""Facts of links: what is read of their files."""

from typing import Any

import pytest
from django.utils import timezone

from commitstatus import facts
from gitrepos.models import Link, LinkedFile

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

WARNING = {"code": "W011", "severity": "warning", "line": 40}
ERROR = {"code": "E002", "severity": "error", "line": 80}


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([WARNING, ERROR], (80, "E002")),
        ([ERROR, WARNING], (80, "E002")),
        ([WARNING], (40, "W011")),
        ([], (None, "")),
    ],
)
def test_a_refused_file_is_told_with_its_first_error(
    row: dict[str, Any], findings: list[dict[str, Any]], expected: tuple[int | None, str]
) -> None:
    """A warning on a line before it refuses nothing."""
    LinkedFile.objects.create(
        link_id=row["id"], path="policies/bot/policy-config.yaml", blob="d" * 40,
        outcome="quarantined", findings=findings, updated_at=timezone.now(),
    )  # fmt: skip
    known = Link.objects.get(pk=row["id"])

    [refused] = facts.read([known])[known.pk].refused

    assert (refused.line, refused.code) == expected
